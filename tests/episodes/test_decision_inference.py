"""The table of decisions that were not recorded: two texts, the last known cursor line, the decision and its line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions import Decision, apply_text
from episodes.decision_inference import infer_decision

NO_OP, FILL, ONE, MANY, EDIT, EXPLAIN_LINE, EXPLAIN = range(7)
Q = '"""'
CODE = ["def f(x):", "    y = x", "    return y"]


@pytest.mark.parametrize(
    ("before", "after", "cursor", "decision", "line"),
    [
        # nothing changed
        (CODE, CODE, 1, NO_OP, -1),
        (CODE, CODE, -1, NO_OP, -1),
        (["a\n", "b\r\n"], ["a", "b"], 0, NO_OP, -1),
        # on the cursor's line
        (["x = "], ["x = 1"], 0, FILL, 0),
        (["x = a"], ["x = (a)"], 0, FILL, 0),
        (["x =  "], ["x = 1"], 0, FILL, 0),
        (["a", "", "b"], ["a", "foo", "b"], 1, FILL, 1),
        (["a", "    ", "b"], ["a", "    foo", "b"], 1, FILL, 1),
        (["x = 1"], ["x = 2"], 0, ONE, 0),
        (["x = 1"], ["x"], 0, ONE, 0),
        (["x", "y", "z"], ["x", "z"], 1, ONE, 1),
        (["x", "y", "z"], ["x", "b", "c", "z"], 1, MANY, 1),
        (["x", "y", "z"], ["x1", "y1", "z"], 0, MANY, 0),
        (["x", "y", "z"], ["x"], 1, MANY, 1),
        (["x", "", "z"], ["x1", "y1", "z"], 0, MANY, 0),
        # Enter behind what was typed is no line of its own
        (["x = "], ["x = 1", ""], 0, FILL, 0),
        (["x = 1"], ["x = 2", "    "], 0, ONE, 0),
        (["a", "", "b"], ["a", "foo", "", "b"], 1, FILL, 1),
        (["a", "", "b"], ["a", "foo", "bar", "", "b"], 1, MANY, 1),
        # an insertion is on the line that it was made above, at most the last
        (["a", "b"], ["a", "foo", "b"], 1, ONE, 1),
        (["a", "b"], ["a", "b foo", "b"], 1, ONE, 1),
        (["a", "b"], ["a", "foo", "bar", "b"], 1, MANY, 1),
        (["a", "b"], ["a", "", "b"], 1, ONE, 1),
        (["a", "b"], ["a", "# note", "c", "b"], 1, MANY, 1),
        # inserted directly below the cursor's line
        (["a", "b"], ["a", "foo", "b"], 0, ONE, 0),
        (["a", "b"], ["a", "foo", "bar", "b"], 0, MANY, 0),
        (["a", "b"], ["a", "", "b"], 0, ONE, 0),
        (["a", "b"], ["a", "b", "foo"], 1, ONE, 1),
        (["a", "b"], ["a", "b", "b"], 0, ONE, 0),
        (["a", "", "b"], ["a", "foo", "", "b"], 0, ONE, 0),
        # typed into blank lines directly below the cursor's line
        (["a", ""], ["a", "foo"], 0, ONE, 0),
        (["a", "    ", "b"], ["a", "    foo", "b"], 0, ONE, 0),
        (["a", "", "b"], ["a", "foo", "bar", "b"], 0, MANY, 0),
        (["a", "", "", "b"], ["a", "foo", "bar", "b"], 0, MANY, 0),
        (["a", "", "", "b"], ["a", "", "foo", "b"], 0, ONE, 0),
        (["a", "b", ""], ["a", "b", "foo"], 0, EDIT, 2),
        (["a", "", "b"], ["a", "foo", "c"], 0, EDIT, 1),
        (["a", "", "b"], ["a", "b"], 0, EDIT, 1),
        (["a", "", "b"], ["a", "  ", "b"], 0, EDIT, 1),
        (["", "a"], ["foo", "a"], 1, EDIT, 0),
        # away from it
        (CODE, ["def f(x):", "    y = 2 * x", "    return y"], 0, EDIT, 1),
        (CODE, ["def f(x):", "    y = 2 * x", "    return y"], -1, EDIT, 1),
        (CODE, ["def f(x):", "    y = 2 * x", "    return y"], 2, EDIT, 1),
        (["a", "b"], ["foo", "a", "b"], 1, EDIT, 0),
        (["a", "b"], ["a", "b", "foo"], 0, EDIT, 1),
        (["a", "b", "c"], ["a", "c"], 0, EDIT, 1),
        (["a", "b", "c"], ["a"], 2, EDIT, 1),
        (["x", "y", "z"], ["x1", "y1", "z"], 1, EDIT, 0),
        (["a"], ["b"], 7, EDIT, 0),
        ([], ["a"], -1, EDIT, -1),
        # only comments or docstrings were added
        (CODE, ["def f(x):", "    y = x  # same", "    return y"], 1, EXPLAIN_LINE, 1),
        (CODE, ["def f(x):", "    y = x  # same", "    return y"], 0, EXPLAIN, 1),
        (CODE, ["def f(x):", "    y = x  # same", "    return y"], -1, EXPLAIN, 1),
        (CODE, ["def f(x):", "    # same", "    y = x", "    return y"], 1, EXPLAIN_LINE, 1),
        (CODE, ["def f(x):", "    # same", "    y = x", "    return y"], 0, EXPLAIN, 1),
        (CODE, ["def f(x):", "    # same", "    y = x", "    return y"], 2, EXPLAIN, 1),
        (CODE, [*CODE, "# end"], 0, EXPLAIN, 2),
        (CODE, [*CODE, "# end"], 2, EXPLAIN_LINE, 2),
        (CODE, ["def f(x):", f"    {Q}Says.{Q}", *CODE[1:]], 2, EXPLAIN, 1),
        (CODE, ["def f(x):", f"    {Q}Says", "", f"    more.{Q}", *CODE[1:]], 2, EXPLAIN, 1),
        (CODE, ["# top", "def f(x):  # head", *CODE[1:], "# end"], 2, EXPLAIN, 0),
        (["a", "", "b"], ["a", "# note", "b"], 1, EXPLAIN_LINE, 1),
        (["a", "", "b"], ["a", "# note", "", "b"], 1, EXPLAIN_LINE, 1),
        (["a", "", "b"], ["a", "# note", "b"], 0, EXPLAIN, 1),
        (["x  # a"], ["x  # a and b"], 0, EXPLAIN_LINE, 0),
        (["if (", "x = 'a"], ["if (", "x = 'a", "# b"], 0, EXPLAIN, 1),
        # above a line at whose end no comment can stand
        (["x = 1 + \\", "    2"], ["# why", "x = 1 + \\", "    2"], 0, EXPLAIN, 0),
        (["x = 1 + \\", "    2"], ["# why", "x = 1 + \\", "    2"], 1, EXPLAIN, 0),
        (["x = 1 + \\", "    2"], ["x = 1 + \\", "    2  # why"], 1, EXPLAIN_LINE, 1),
        (["y", f"x = {Q}a", f"b{Q}"], ["y", "# one", "# two", f"x = {Q}a", f"b{Q}"], 1, EXPLAIN, 1),
        (["# why", "x = \\", "  2"], ["# why", "# why", "x = \\", "  2"], 1, EXPLAIN, 1),
        (["x = \\\r\n", " 2\r\n"], ["# why\r\n", "x = \\\r\n", " 2\r\n"], 0, EXPLAIN, 0),
        (["y", "x = 'a"], ["y", "# why", "x = 'a"], 1, EXPLAIN, 1),
        (["y", "x = 'a"], ["y", "x = 'a", "# why"], 1, EXPLAIN_LINE, 1),
        # a comment that goes or changes is an edit, and so is code beside one
        (["a", "x  # a"], ["a", "x"], 0, EDIT, 1),
        (["a", "# a"], ["a"], 0, EDIT, 1),
        (["a", "# a"], ["a"], 1, EDIT, 1),
        (["a", "x  # a"], ["a", "x"], 1, EDIT, 1),
        (["a", "x  # a"], ["a", "x  # b"], 1, EDIT, 1),
        (["def f():", f"    {Q}Says.{Q}", "    go()"], ["def f():", f"    {Q}Tells.{Q}", "    go()"], 1, EDIT, 1),
        (["a", "x  # a"], ["a", "x  # b"], 0, EDIT, 1),
        (["a", "x = 1"], ["a", "# x = 1"], 0, EDIT, 1),
        (["a", "b", "c"], ["a", "# note", "d", "b", "c"], 2, EDIT, 1),
        (["a", "x = ''"], ["a", "x = '# no'"], 0, EDIT, 1),
        (["a", "x = ''"], ["a", "x = '# no'"], 1, FILL, 1),
        (["# a", "# b"], ["# b", "# a"], 1, EDIT, 0),
        (["a", "x"], ["a", "  x  # indented"], 0, EDIT, 1),
    ],
)
def test_decision_and_line(before, after, cursor, decision, line):
    assert infer_decision(before, after, cursor) == (Decision(decision), line)


@pytest.mark.parametrize("text", ["why", "one\ntwo"])
@pytest.mark.parametrize("statement", [["x = 1 + \\", "    2"], [f"x = {Q}a", "b", f"c{Q}"]])
def test_an_explanation_that_went_above_its_statement_is_read_as_comment_lines(statement, text):
    before = ("y = 1", *statement, "z")
    for cursor in range(1, len(statement)):
        after = apply_text(before, Decision.EXPLAIN_SINGLE_LINES, cursor, text)
        assert after == ["y = 1", "# " + text.split("\n")[0], *statement, "z"]
        assert infer_decision(before, after, cursor) == (Decision.EXPLAIN_MULTI_LINES, 1)


lines = st.lists(st.sampled_from(["", "a", "# a", "a  # b", Q, "'"]), max_size=5)


@given(lines, lines, st.integers(-1, 6))
def test_the_line_is_one_of_the_file_it_was_taken_on(before, after, cursor):
    decision, line = infer_decision(before, after, cursor)
    assert -1 <= line < len(before)
    assert (decision is Decision.NO_OP) == (before == after)
    assert line >= 0 or decision is Decision.NO_OP or not before
    if decision in (FILL, ONE, MANY, EXPLAIN_LINE):
        assert line == cursor


@pytest.mark.parametrize("kind", ["a line more", "every line longer", "every note went"])
def test_twice_the_lines_cost_twice_the_steps(kind, steps):
    def cost(n):
        before = [f"x{i} = {i}  # {i}" for i in range(n)]
        after = {
            "a line more": [*before[: n // 2], "# here", *before[n // 2 :]],
            "every line longer": [line + "y" for line in before],
            "every note went": [line.split("  #")[0] for line in before],
        }
        return steps(infer_decision, before, after[kind], 3)

    assert cost(2000) < 2.2 * cost(1000)
