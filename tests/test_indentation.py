"""A file's indentation is read off its blocks, and a text's is written as the file's."""

import pytest

from indentation import IndentStyle, indent_style, match_indentation

TAB, TWO, FOUR = IndentStyle("\t"), IndentStyle("  "), IndentStyle("    ")


@pytest.mark.parametrize(
    ("lines", "style"),
    [
        ((), None),
        (("x", "", "y"), None),
        (("if x:", "  y"), TWO),
        (("if x:  # why", "", "  y"), TWO),
        (("class A:", "  def b():", "    c", "d = f(a,", "        b)"), TWO),
        (("if x:", "\ty", "  z"), IndentStyle("  ")),
        (("if x:", "\ty", "\tz", "    w"), TAB),
        (("f(a,", "    b)"), FOUR),
        (("f(a,", "  b,", "      c)"), TWO),
        (("f(a,", "     b)"), FOUR),
        (("if x:\r\n", "  y\r\n"), TWO),
    ],
)
def test_the_style_of_a_file(lines, style):
    assert indent_style(lines) == style


@pytest.mark.parametrize(
    ("block", "lines", "at", "expected"),
    [
        (["if a:", "    b"], ("x:", "  y"), 1, ["if a:", "  b"]),
        (["if a:", "  b", "", "c"], ("x:", "\ty"), 1, ["if a:", "\tb", "", "c"]),
        (["f(a,", "   b)"], ("x:", "\ty"), 1, ["f(a,", "   b)"]),
        (["    a"], ("x:", "  y"), 1, ["  a"]),
        (["    a"], ("x:", "  y:", "    z"), 2, ["    a"]),
        (["    a"], ("x", "y"), 1, ["    a"]),
        (["  a"], ("x:", "    y", ""), 2, ["    a"]),
        (["  a"], ("x:", "\ty", ""), 2, ["\ta"]),
        (["   a", "      b"], ("x:", "\ty", ""), 2, ["\ta", "\t\tb"]),
        (["f(a,", "     b)"], ("x:", "    y", ""), 2, ["f(a,", "     b)"]),
        (["        a"], ("x:", "    y", ""), 2, ["        a"]),
        (["\ta", "\t\tb"], ("x:", "  y", ""), 2, ["  a", "    b"]),
    ],
)
def test_a_text_gets_the_files_indentation(block, lines, at, expected):
    assert match_indentation(block, lines, at) == expected
