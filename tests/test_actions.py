"""Names mean decisions; legality is the table of docs/formats.md; an edit changes exactly what the decision says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions import (
    ANYWHERE,
    AT_CURSOR,
    NAMES,
    Decision,
    apply,
    apply_text,
    is_legal,
    legality_mask,
    parse_decision,
    protected_lines,
)
from alignment import align
from errors import InputError
from line_tracking import carry_attribution
from state import T_LAST, UNEDITED, Cursor, Env, State, unedited

NO_OP, FILL, WRITE_ONE, WRITE_MANY, EDIT, EXPLAIN_ONE, EXPLAIN_ABOVE = Decision
SKELETON = (0, 0, 5, 1, 0, 0)


def state(*lines, cursor=None, char=0, skeleton=(), **more):
    human = unedited(len(lines)).copy()
    human[list(skeleton)] = SKELETON
    at = Cursor() if cursor is None else Cursor(True, cursor, char, 3)
    return State(lines, 3, human, unedited(len(lines)), at, last_known_line=at.line, **more)


@pytest.mark.parametrize("decision", Decision)
def test_index_name_and_enum_name_mean_the_decision(decision):
    name = NAMES[decision]
    for value in (
        int(decision),
        float(decision),
        decision,
        decision.name,
        name,
        name.upper(),
        f" {name} ",
        name.replace(" ", "_"),
        name.replace(" ", "-").lower(),
    ):
        assert parse_decision(value, "x") is decision


@pytest.mark.parametrize(
    ("short", "decision"),
    [
        ("noop", NO_OP),
        ("No Op", NO_OP),
        ("Fill Partial", FILL),
        ("Write Single Line", WRITE_ONE),
        ("Write Single", WRITE_ONE),
        ("write multiple lines", WRITE_MANY),
        ("WriteMultiLine", WRITE_MANY),
        ("Edit", EDIT),
        ("edit existing", EDIT),
        ("Explain Single", EXPLAIN_ONE),
        ("Explain Multi Line", EXPLAIN_ABOVE),
    ],
)
def test_short_names(short, decision):
    assert parse_decision(short, "x") is decision


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("Wrte Multi", 'unknown decision "Wrte Multi"; the nearest known one is "Write Multi Line Code"'),
        ("Explain", 'the nearest known one is "Explain'),
        ("", "unknown decision"),
        ("lines", "unknown decision"),
        ("\ud800\n", "unknown decision"),
        ("3", "unknown"),
        (7, "a decision is 7"),
        (-1, "a decision is -1"),
        (True, "a decision is True"),
        (2.5, "a decision is 2.5"),
        (1e300, "a decision is 1"),
        (7.0, "a decision is 7"),
        (float("nan"), "a decision is nan"),
        (None, "a decision is None"),
        ([], "a decision is a list"),
    ],
)
def test_what_is_no_decision_is_refused(value, said):
    with pytest.raises(InputError, match=r"^a\.json, state 3: ") as refused:
        parse_decision(value, "a.json, state 3")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_protected_is_what_the_human_wrote_in_turn_0():
    rows = [SKELETON, (0, 0, 0, 0, 0, 0), UNEDITED, (1, 0, 5, 1, 0, 0), (0, 4, 4, 1, 0, 0), (0, 4, 5, 0, 0, 0)]
    some = replace(state(*"abcdef"), human=np.array(rows))
    assert protected_lines(some.human).tolist() == [True, False, False, False, False, True]


# state, and per decision from 1 to 6 the legal lines at w_max 5.
LEGAL = {
    "cursor on a free line": (state("a", "b", "c", cursor=1, skeleton=(0,)), ([1], [1], [1], [1, 2], [1], [1, 2])),
    "cursor on a protected line": (state("a", "b", "c", cursor=0, skeleton=(0,)), ([1, 2],) * 6),
    "cursor below the file": (state("a", "b", cursor=2), ([0, 1],) * 6),
    "cursor above the file": (state("a", "b", cursor=-1), ([0, 1],) * 6),
    "no cursor": (state("a", "b", skeleton=(1,)), ([0],) * 6),
    "last known is no cursor": (replace(state("a", "b"), last_known_line=1), ([0, 1],) * 6),
    "cursor line full": (state("a", "12345", cursor=1), ([], [1], [1], [0, 1], [1], [0, 1])),
    "cursor line nearly full": (state("a", "1234", cursor=1), ([1], [1], [1], [0, 1], [1], [0, 1])),
    "full lines without cursor": (state("12345", "a", "1234\n"), ([1], *([0, 1, 2],) * 5)),
    "bytes, not characters": (
        state("\u00e9\u00e9", "\u00e9\u00e9x", "\ud800x", "\ud800\ud800"),
        ([0, 2], *([0, 1, 2, 3],) * 5),
    ),
    "all protected": (state("a", "b", cursor=0, skeleton=(0, 1)), ([],) * 6),
    "no lines": (state(cursor=0), ([],) * 6),
}


@pytest.mark.parametrize("case", LEGAL)
def test_where_decisions_are_legal(case):
    of, lines = LEGAL[case]
    table = legality_mask([of], w_max=5)
    assert table.shape == (1, 7, len(of))
    assert table[0, NO_OP].all()
    assert [np.flatnonzero(row).tolist() for row in table[0, 1:]] == list(lines)


@st.composite
def states(draw):
    lines = draw(st.lists(st.sampled_from(["", "    ", "x = 1", "    return x\n", "\u00e9" * 9, "w" * 30]), max_size=7))
    skeleton = tuple(i for i in range(len(lines)) if draw(st.booleans()))
    cursor = draw(st.none() | st.integers(-1, len(lines)))
    return state(*lines, cursor=cursor, char=draw(st.integers(-1, 40)), skeleton=skeleton)


@given(st.lists(states(), max_size=4), st.integers(1, 32))
def test_a_batch_is_its_states_and_nothing_is_legal_in_padding(batch, w_max):
    table = legality_mask(batch, w_max)
    assert table.shape == (len(batch), 7, max(map(len, batch), default=0))
    for of, row in zip(batch, table, strict=True):
        assert not row[:, len(of) :].any()
        for decision in Decision:
            for line in range(len(of)):
                assert row[decision, line] == is_legal(of, decision, line, w_max) == _legal(of, decision, line, w_max)


def _legal(of, decision, line, w_max):
    """The rules, said once more and slowly."""
    free = [not (row[0] == 0 and row[2] > row[1]) for row in of.human.tolist()]
    if decision is NO_OP:
        return True
    if not free[line]:
        return False
    if decision in ANYWHERE:
        return True
    assert decision in AT_CURSOR
    cursor = of.cursor
    valid = cursor.on and 0 <= cursor.line < len(of) and free[cursor.line]
    if valid and line != cursor.line:
        return False
    return decision is not FILL or len(of.lines[line].encode("utf-8", "surrogatepass")) < w_max


@pytest.mark.parametrize("line", [-1, 2, 99])
def test_outside_the_file_only_a_no_op_is_legal(line):
    assert [is_legal(state("a", "b"), decision, line, 160) for decision in Decision] == [True] + [False] * 6


def test_legality_looks_at_a_line_once_and_not_for_each_decision(steps):
    of = state(*["    value = compute(value)"] * 300, skeleton=(0, 1))
    assert steps(legality_mask, [of], 160) < 3 * len(of)


CODE = ("def f(x):", "    y = (x", "    return y")
TABS = ("def f(x):", "\ty = x")
NARROW = ("def f(x):", "  if x:", "    return x")
NARROW_BLOCK = ["  if a:", "    b = 1", "  else:", "    c"]

# lines, decision, line, column, text, what stands in the line's place.
EDITS = {
    "fill at the end": (CODE, FILL, 1, None, " + 1)", ["    y = (x + 1)"]),
    "fill at the cursor": (("y = f()",), FILL, 0, 6, "x, 1", ["y = f(x, 1)"]),
    "fill before more text": (("b = + 1",), FILL, 0, 4, "f(a) \n", ["b = f(a) + 1"]),
    "fill before more text, line end": (("b = + 1",), FILL, 0, 4, "f(a) \r\n", ["b = f(a) + 1"]),
    "fill at the end, trailing spaces": (CODE, FILL, 1, None, ")  \n", ["    y = (x)"]),
    "fill before spaces": (("b =  ",), FILL, 0, 4, "1 ", ["b = 1 "]),
    "fill past the end": (CODE, FILL, 1, 99, ")", ["    y = (x)"]),
    "fill before the start": (CODE, FILL, 1, -5, "a", ["a    y = (x"]),
    "fill the first line only": (CODE, FILL, 1, None, ")\nz = 2\n", ["    y = (x)"]),
    "fill a blank line": (("    ",), FILL, 0, 4, "return\n", ["    return"]),
    "write one": (CODE, WRITE_ONE, 1, None, "z = 1", ["    z = 1"]),
    "write one, own indentation": (CODE, WRITE_ONE, 1, None, "\tz = 1  \n", ["    z = 1"]),
    "write one on nothing": (("a", ""), WRITE_ONE, 1, None, "    z = 1\r\n", ["    z = 1"]),
    "write one on spaces": (("a", "  "), WRITE_ONE, 1, None, "    z = 1", ["  z = 1"]),
    "write many": (
        CODE,
        WRITE_MANY,
        1,
        None,
        "if x:\n    y = 1\nelse:\n    y = 2\n",
        [
            "    if x:",
            "        y = 1",
            "    else:",
            "        y = 2",
        ],
    ),
    "write many, indented": (
        CODE,
        WRITE_MANY,
        1,
        None,
        "\n\n        if x:\n            y = 1\n\n",
        [
            "    if x:",
            "        y = 1",
        ],
    ),
    "write many, shallower later": (CODE, WRITE_MANY, 1, None, "        a\n      b", ["    a", "  b"]),
    "write many, out of two blocks": (
        ("            retu",),
        WRITE_MANY,
        0,
        None,
        "            return x\n        y = 1\n\n    z = 1",
        ["            return x", "        y = 1", "", "    z = 1"],
    ),
    "write many, shallower from the left": (
        ("        retu",),
        WRITE_MANY,
        0,
        None,
        "    return x\nelse:\n    y = 1",
        ["        return x", "    else:", "        y = 1"],
    ),
    "write many, no further than the margin": (CODE, WRITE_MANY, 1, None, "            a\n    b", ["    a", "b"]),
    "write many, tabs": (("\t\tretu",), WRITE_MANY, 0, None, "\t\t\ta\n\t\tb\n\t\t\t\tc", ["\t\ta", "\tb", "\t\t\tc"]),
    "write many, tabs on spaces": (("        retu",), WRITE_MANY, 0, None, "\t\ta\n\tb", ["        a", "    b"]),
    "write many, spaces on tabs": (("\t\tretu",), WRITE_MANY, 0, None, "        a\n    b", ["\t\ta", "\tb"]),
    "write many, tabs at the margin": (("x",), WRITE_MANY, 0, None, "if x:\n\ta", ["if x:", "\ta"]),
    "write many, tabs and spaces": (CODE, WRITE_MANY, 1, None, "\ta\n    b", ["    a", "    b"]),
    "write many, blank inside": (CODE, WRITE_MANY, 1, None, "a\n   \nb", ["    a", "", "    b"]),
    "write many on nothing": (("",), WRITE_MANY, 0, None, "    a\n        b", ["    a", "        b"]),
    "write many, but one": (CODE, WRITE_MANY, 1, None, "a", ["    a"]),
    "edit": (CODE, EDIT, 0, None, "def g(x):", ["def g(x):"]),
    "edit keeps the indentation": (CODE, EDIT, 2, None, "return x", ["    return x"]),
    "edit brings its own": (CODE, EDIT, 2, None, "        return x", ["        return x"]),
    "comment at the end": (CODE, EXPLAIN_ONE, 2, None, "the sum", ["    return y  # the sum"]),
    "comment with its sign": (CODE, EXPLAIN_ONE, 2, None, "  # the sum", ["    return y  # the sum"]),
    "comment after spaces": (("x   ",), EXPLAIN_ONE, 0, None, "#: why", ["x  #: why"]),
    "comment on a blank line": (("    ",), EXPLAIN_ONE, 0, None, "why", ["    # why"]),
    "comment above": (CODE, EXPLAIN_ABOVE, 2, None, "the sum", ["    # the sum", "    return y"]),
    "comments above": (CODE, EXPLAIN_ABOVE, 2, None, "# one\n\n  two\n", ["    # one", "    # two", "    return y"]),
    "comment above nothing": (("",), EXPLAIN_ABOVE, 0, None, "  why", ["  # why", ""]),
    "line ends stay": (("a\r\n", "b\r\n"), WRITE_MANY, 0, None, "x\ny", ["x\r\n", "y\r\n"]),
    "a last line without end": (("a\n", "b"), WRITE_MANY, 1, None, "x\ny", ["x\n", "y"]),
    "above a last line without end": (("a\n", "b"), EXPLAIN_ABOVE, 1, None, "why", ["# why\n", "b"]),
    "fill before the line end": (("a\n",), FILL, 0, None, "b", ["ab\n"]),
    "fill that begins with a line end": (CODE, FILL, 1, None, "\n + 1)", ["    y = (x"]),
    "fill that begins with a line end of two": (CODE, FILL, 1, None, "\r\n)", ["    y = (x"]),
    "fill that begins with an old line end": (CODE, FILL, 1, None, "\r)", ["    y = (x"]),
    "fill that ends at an old line end": (CODE, FILL, 1, None, ")\rz = 2", ["    y = (x)"]),
    "fill that begins with a blank line": (CODE, FILL, 1, None, "  \n)", ["    y = (x"]),
    "fill a line of indentation of a file with tabs": ((*TABS, "\t"), FILL, 2, None, "    return y", ["\t\treturn y"]),
    "fill within the indentation": ((*TABS, "\t\ty"), FILL, 2, 1, "    x;", ["\t\tx;\ty"]),
    "fill with the rest of the indentation": (("if x:", "    y", "  "), FILL, 2, 2, "  z", ["    z"]),
    "fill with a level of another width": (("if x:", "  if y:", "  "), FILL, 2, None, "    z", ["    z"]),
    "fill with a level of tabs": (("if x:", "  if y:", "  "), FILL, 2, None, "\tz", ["    z"]),
    "fill an empty line of a file with tabs": ((*TABS, ""), FILL, 2, None, "    return y", ["\treturn y"]),
    "fill after tabs": ((*TABS, "\t"), FILL, 2, None, "return y", ["\treturn y"]),
    "write one on nothing, tabs": ((*TABS, ""), WRITE_ONE, 2, None, "    z = 1", ["\tz = 1"]),
    "write one on nothing, blanks for a tab": ((*CODE, ""), WRITE_ONE, 3, None, "\tz = 1", ["    z = 1"]),
    "write one on nothing, narrow": ((*NARROW, ""), WRITE_ONE, 3, None, "    z = 1", ["    z = 1"]),
    "write one on nothing, too deep for the file": ((*NARROW[:1], ""), WRITE_ONE, 1, None, "    z = 1", ["    z = 1"]),
    "write one on nothing, wide in a narrow file": (
        ("if x:", "  y()", ""),
        WRITE_ONE,
        2,
        None,
        "    z = 1",
        ["  z = 1"],
    ),
    "write many on nothing, narrow": (
        (*NARROW, ""),
        WRITE_MANY,
        3,
        None,
        "  if a:\n      b = 1\n",
        ["  if a:", "    b = 1"],
    ),
    "write many, narrow": (NARROW, WRITE_MANY, 1, None, "if a:\n    b = 1\nelse:\n    c", NARROW_BLOCK),
    "write many, tabs for a narrow file": (NARROW, WRITE_MANY, 1, None, "if a:\n\tb = 1\nelse:\n\tc", NARROW_BLOCK),
    "write many, wide in a file with tabs": (TABS, WRITE_MANY, 1, None, "if a:\n  b = 1", ["\tif a:", "\t\tb = 1"]),
    "edit by a block": (CODE, EDIT, 1, None, "if x:\n    y = 1", ["    if x:", "        y = 1"]),
    "edit by a block that brings its own": (CODE, EDIT, 0, None, "  if x:\n      y", ["  if x:", "      y"]),
    "edit by a block, tabs": (TABS, EDIT, 1, None, "    if x:\n        y = 1", ["\tif x:", "\t\ty = 1"]),
    "edit on nothing, tabs": ((*TABS, ""), EDIT, 2, None, "    z = 1", ["\tz = 1"]),
    "comment on an empty line, tabs": ((*TABS, ""), EXPLAIN_ONE, 2, None, "    why", ["\t# why"]),
}


@pytest.mark.parametrize("case", EDITS)
def test_what_a_decision_does_to_a_text(case):
    lines, decision, line, column, text, place = EDITS[case]
    assert apply_text(lines, decision, line, text, column) == [*lines[:line], *place, *lines[line + 1 :]]


@pytest.mark.parametrize("text", ["", "\n", "  \r\n\n", "\t"])
@pytest.mark.parametrize("decision", Decision)
def test_blank_text_does_nothing(decision, text):
    before = state(*CODE, cursor=1)
    after = apply(before, decision, 1, text, by="A", t=4)
    assert after.lines == before.lines
    assert np.array_equal(after.human, before.human)
    assert np.array_equal(after.assistant, before.assistant)


@pytest.mark.parametrize("line", [-1, 3])
@pytest.mark.parametrize("decision", list(Decision)[1:])
@pytest.mark.parametrize("by", ["H", "A"])
def test_outside_the_file_is_a_mistake(decision, line, by):
    with pytest.raises(ValueError, match=f"{NAMES[decision]}.* line {line}"):
        apply(state(*CODE), decision, line, "x", by=by, t=4)


def test_legality_binds_the_assistant_alone():
    of = state(*CODE, cursor=1, skeleton=(0,))
    for decision, line in ((EDIT, 0), (WRITE_ONE, 2), (EXPLAIN_ABOVE, 0)):
        with pytest.raises(ValueError, match="not legal"):
            apply(of, decision, line, "x", by="A", t=4)
        assert apply(of, decision, line, "x", by="H", t=4).lines != of.lines


@given(states(), st.sampled_from(list(Decision)[1:]), st.data(), st.sampled_from("HA"))
def test_an_edit_changes_what_the_decision_says_and_nothing_else(before, decision, data, by):
    places = [i for i in range(len(before)) if by == "H" or is_legal(before, decision, i, 1 << 30)]
    if not places:
        return
    line = data.draw(st.sampled_from(places))
    parts = st.lists(st.sampled_from(["new = 0", "    two()", "", "  ", "# note"]), max_size=4)
    text = data.draw(parts.map("\n".join))
    full = [part for part in text.split("\n") if part.strip()]
    after = apply(before, decision, line, text, by=by, t=7)

    several = {WRITE_MANY: text.strip().count("\n"), EDIT: text.strip().count("\n"), EXPLAIN_ABOVE: len(full)}
    grown = several.get(decision, 0)
    assert len(after) == len(before) + grown
    assert after.lines[:line] == before.lines[:line]
    below = len(before) - line - 1 + (decision is EXPLAIN_ABOVE)
    assert below == 0 or after.lines[-below:] == before.lines[-below:]
    inside = sum(not part.strip() for part in text.strip().split("\n"))
    assert _blank(after.lines) <= _blank(before.lines) + inside

    human, assistant = carry_attribution(before, after.lines, by, 7)
    assert np.array_equal(after.human, human)
    assert np.array_equal(after.assistant, assistant)
    same = align(before.lines, after.lines)
    for j in np.flatnonzero(same.equal):
        assert after.human[j].tolist() == before.human[same.source[j]].tolist()
    moved = after.human if by == "H" else after.assistant
    assert (moved[:, T_LAST] == 7).any() == (after.lines != before.lines)
    assert after.t == 7
    seen = before.cursor.line >= 0
    assert after.cursor.on == (by == "H" and (seen or after.lines != before.lines))
    assert -1 <= after.last_known_line < len(after)


def _blank(lines):
    return sum(not line.strip() for line in lines)


@pytest.mark.parametrize(
    ("decision", "line", "text", "seen"),
    [
        (NO_OP, -1, "", 1),
        (WRITE_ONE, 1, "z", 1),
        (WRITE_MANY, 1, "a\nb\nc", 1),
        (EXPLAIN_ABOVE, 1, "why", 2),
        (EXPLAIN_ABOVE, 0, "a\nb", 3),
        (EXPLAIN_ABOVE, 2, "why", 1),
        (EDIT, 2, "z", 1),
    ],
)
def test_the_assistant_has_no_cursor_and_the_last_known_line_moves_with_its_line(decision, line, text, seen):
    before = state(*CODE, cursor=1, char=4, env=Env(True, 1, 2), timestamp_ms=5, undone=frozenset({1}))
    after = apply(before, decision, line, text, by="A", t=4)
    assert after.cursor == Cursor()
    assert after.last_known_line == seen
    assert (after.env, after.timestamp_ms, after.undone) == (None, None, frozenset())
    assert apply(after, decision, line, text.upper(), by="A", t=5).last_known_line == (
        seen + (len(after) - len(before) if decision is EXPLAIN_ABOVE and line < 2 else 0)
    )


@pytest.mark.parametrize(
    ("decision", "line", "text", "cursor"),
    [
        (NO_OP, -1, "", Cursor(True, 1, 4, 4)),
        (FILL, 1, "abc", Cursor(True, 1, 7, 4)),
        (FILL, 2, " + 1", Cursor(True, 2, 16, 4)),
        (WRITE_ONE, 2, "z", Cursor(True, 2, 5, 4)),
        (WRITE_MANY, 1, "a\nbb", Cursor(True, 2, 6, 4)),
        (EXPLAIN_ONE, 0, "why", Cursor(True, 0, 16, 4)),
        (EXPLAIN_ABOVE, 0, "a\nb", Cursor(True, 1, 3, 4)),
    ],
)
def test_the_humans_cursor_is_behind_what_they_wrote(decision, line, text, cursor):
    after = apply(state(*CODE, cursor=1, char=4), decision, line, text, by="H", t=4)
    assert after.cursor == cursor
    assert after.last_known_line == cursor.line


def test_a_cursor_outside_the_file_comes_back_into_it():
    for before in (state(*CODE, cursor=9), replace(state(*CODE), last_known_line=9)):
        assert apply(before, NO_OP, -1, "", by="H", t=4).cursor.line == 2
        assert apply(before, NO_OP, -1, "", by="A", t=4).last_known_line == 2


def test_a_cursor_that_was_never_seen_stays_off():
    after = apply(state(*CODE), NO_OP, -1, "", by="H", t=4)
    assert (after.cursor, after.last_known_line) == (Cursor(), -1)
