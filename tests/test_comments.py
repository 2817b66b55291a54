"""Code and notes are told apart line by line, also where the code does not parse."""

import pytest

import comments
from comments import SplitLine, comment_texts, is_comment, split, strip_comment

Q = '"""'


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["x = 1  # one"], [("x = 1", "# one")]),
        (["    # only"], [("", "# only")]),
        (["x = '# no comment'"], [("x = '# no comment'", "")]),
        (["x = 'it\\'s # not'  # is"], [("x = 'it\\'s # not'", "# is")]),
        (["x = 'open # string", "y  # z"], [("x = 'open # string", ""), ("y", "# z")]),
        (["def f():", f"    {Q}Says.{Q}", "    go()"], [("def f():", ""), ("", f"{Q}Says.{Q}"), ("    go()", "")]),
        (
            ["def f():", f"    {Q}Says", "    # more", f"    {Q}"],
            [("def f():", ""), ("", f"{Q}Says"), ("", "# more"), ("", Q)],
        ),
        (["def f():", f"    r{Q}S \\d{Q}", "    go()"], [("def f():", ""), ("", f"r{Q}S \\d{Q}"), ("    go()", "")]),
        (["def f():", "    U'Says.'"], [("def f():", ""), ("", "U'Says.'")]),
        ([f"f{Q}a{Q}", f"br{Q}a{Q}", f"for{Q}a{Q}"], [(f"f{Q}a{Q}", ""), (f"br{Q}a{Q}", ""), (f"for{Q}a{Q}", "")]),
        (["def f():", "    'Says.'  # and"], [("def f():", ""), ("", "'Says.'# and")]),
        (["go()", "'a value'"], [("go()", ""), ("'a value'", "")]),
        ([f"x = {Q}a", f"# b{Q}  # c"], [(f"x = {Q}a", ""), (f"# b{Q}", "# c")]),
        (["f(", f"    {Q}a{Q}", ")"], [("f(", ""), (f"    {Q}a{Q}", ""), (")", "")]),
        ([f"{Q}a{Q}.strip()"], [(f"{Q}a{Q}.strip()", "")]),
        ([f"{Q}never closed", "x = 1"], [("", f"{Q}never closed"), ("x = 1", "")]),
        ([f"{Q}a \\{Q} b{Q}", "x"], [("", f"{Q}a \\{Q} b{Q}"), ("x", "")]),
        (["if (((", "  # unbalanced", "]"], [("if (((", ""), ("", "# unbalanced"), ("]", "")]),
        (["a\r\n", "# b\n"], [("a", ""), ("", "# b")]),
        ([], []),
    ],
)
def test_what_is_code_and_what_explains_it(lines, expected):
    assert split(lines) == [SplitLine(*line) for line in expected]


@pytest.mark.parametrize("text", ["\\" + Q, "'" * 3 + "\\", '"', "#", f"'{Q}", "\\'"])
def test_searches_for_ends_read_no_more_than_the_text_for_each_kind_of_quote(text, monkeypatch):
    looked_at = []

    class Counting:
        def __init__(self, pattern):
            self.pattern = pattern

        def match(self, text, at):
            found = self.pattern.match(text, at)
            looked_at.append((found.end() if found else len(text)) - at)
            return found

    monkeypatch.setattr(comments, "_CLOSES", {quote: Counting(pattern) for quote, pattern in comments._CLOSES.items()})
    lines = [f"{Q} {'x' * 10}"] + [text] * 2000
    split(lines)
    assert looked_at and sum(looked_at) <= len(comments._CLOSES) * len("\n".join(lines))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("x = 1", "x = 1"),
        ("x = 1  # one", "x = 1"),
        ("    # only a comment", ""),
        ('x = "#"', 'x = "#"'),
        ('x = "#" # one', 'x = "#"'),
        ("x = '\\'#' # one", "x = '\\'#'"),
        ('x = "# never closed', 'x = "# never closed'),
        ("", ""),
    ],
)
def test_code_is_what_remains_without_the_comment(line, expected):
    assert strip_comment(line) == expected


def test_a_long_line_of_quotes_takes_no_time():
    assert strip_comment("'" * 100_001 + "#")


def test_comments_are_found_once_each_without_their_sign():
    assert comment_texts(["# a", "x = 1  ## b ", "x  # a", "'# c'", "#"]) == ("a", "b")
    assert is_comment("  # a") and not is_comment("x  # a")
