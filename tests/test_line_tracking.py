"""Attribution follows lines where they move; what a decision wrote is judged by whether it is still there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from alignment import align, strip_line_end
from line_tracking import (
    LineEdit,
    carry_attribution,
    line_edits,
    retained_share,
    survives,
    surviving_share,
    undone_since,
    undone_so_far,
)
from state import T_LAST, UNEDITED, State, unedited

lines_of_code = st.lists(
    st.sampled_from(["", "    ", "a = 1", "a = 12", "total = compute(a)", "total = compute(b)", "return a", "# note"]),
    max_size=8,
)


def state(*lines, t=1, human=None, **more):
    attribution = unedited(len(lines)).copy()
    for line, row in (human or {}).items():
        attribution[line] = row
    return State(tuple(lines), t, attribution, unedited(len(lines)), **more)


# before, its human rows, after, then the rows of the mover (t = 5) and of the human who wrote line 0 in turn 0.
SKELETON = (0, 0, 9, 1, 0, 0)


@pytest.mark.parametrize(
    ("before", "after", "human", "assistant"),
    [
        pytest.param(["def f():"], ["def f():"], [SKELETON], [UNEDITED], id="unchanged"),
        pytest.param(
            ["def f():"], ["# c", "def f():"], [UNEDITED, SKELETON], [(5, 0, 3, 1, 0, 0), UNEDITED], id="above"
        ),
        pytest.param(
            ["def f():"], ["def f():", ""], [SKELETON, UNEDITED], [UNEDITED, (5, 0, 0, 1, 0, 0)], id="blank added"
        ),
        pytest.param(["def f():"], ["def f(x):"], [SKELETON], [(5, 6, 7, 1, 0, 0)], id="characters added"),
        pytest.param(["def f(x):"], ["def f():"], [SKELETON], [(5, 6, 6, 0, 1, 0)], id="characters deleted"),
        pytest.param(["def f(x):"], ["def f(y):"], [SKELETON], [(5, 6, 7, 1, 1, 1)], id="characters replaced"),
        pytest.param(["def f():", "a"], ["a", "def f():"], [UNEDITED, SKELETON], [UNEDITED, UNEDITED], id="moved"),
        pytest.param(
            ["def f():\n", "a"], ["def f():\r\n", "a\n"], [SKELETON, UNEDITED], [UNEDITED, UNEDITED], id="line ends"
        ),
        pytest.param(["def f():"], [], [], [], id="removed"),
        pytest.param([], ["x"], [UNEDITED], [(5, 0, 1, 1, 0, 0)], id="from nothing"),
    ],
)
def test_attribution_follows_lines(before, after, human, assistant):
    start = state(*before, human={0: SKELETON} if before else {})
    theirs, ours = carry_attribution(start, after, "A", 5)
    assert theirs.tolist() == [list(row) for row in human]
    assert ours.tolist() == [list(row) for row in assistant]


def test_a_line_inserted_above_changes_nobodys_lines_below():
    start = state(*(f"line {i}" for i in range(50)), human={i: (i, 0, 4, 1, 0, 0) for i in range(50)})
    human, assistant = carry_attribution(start, ["# new", *start.lines], "A", 60)
    assert human[1:].tolist() == start.human.tolist()
    assert assistant[:, T_LAST].tolist() == [60] + [-1] * 50


@given(lines_of_code, lines_of_code, st.sampled_from("HA"))
def test_only_the_mover_gains_lines(old, new, by):
    start = state(*old, human={i: (i, 0, 1, 1, 0, 0) for i in range(len(old))})
    human, assistant = carry_attribution(start, new, by, 99)
    assert human.shape == assistant.shape == (len(new), 6)
    assert not human.flags.writeable and not assistant.flags.writeable
    alignment = align(old, new)
    mover, other = (human, assistant) if by == "H" else (assistant, human)
    assert (mover[:, T_LAST] == 99).tolist() == (~alignment.equal).tolist()
    theirs, known = (start.assistant if by == "H" else start.human), alignment.source >= 0
    assert np.array_equal(other[known], theirs[alignment.source[known]])
    assert all(tuple(row) == UNEDITED for row in other[~known].tolist())


def test_written():
    before = ["def f():", "    x = (a", "    old()", "", "keep"]
    after = ["def f():", "    x = (a + b)", "    # why", "    new", "", "keep", "  "]
    assert line_edits(before, after) == (
        LineEdit(1, "x = (a + b)", "x = (a", 3, 0),
        LineEdit(2, "# why", None, 4, 0),
        LineEdit(3, "new", None, 3, 0),
        LineEdit(-1, "", "old()", 0, 5),
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [(["a"], ["a"]), (["a"], ["a", "", "  "]), (["a", ""], ["a"]), (["a b"], ["    a  b"]), (["a", "b"], ["b", "a"])],
)
def test_blanks_indentation_and_moves_write_nothing(before, after):
    assert line_edits(before, after) == ()
    assert retained_share(2, state(*before), state(*after), state(*before)) is None


LONG = "matrix[row][column] = size"

# before, after the decision, later: the share that stands.
SHARES = {
    "untouched": (["a"], ["a", "b = 1"], ["a", "b = 1"], 1.0),
    "taken out": (["a"], ["a", "b = 1"], ["a"], 0.0),
    "taken back": (["size = len(m"], ["size = len(matrix)"], ["size = len(m"], 0.0),
    "moved": (["a", "c", "d"], ["b = 1", "a", "c", "d"], ["a", "c", "d", "b = 1"], 1.0),
    "shifted": (["a"], ["a", "b = 1"], ["# top", "", "a", "b = 1"], 1.0),
    "indented": (["a"], ["a", "b = 1"], ["a", "    b = 1"], 1.0),
    "slightly rewritten": (["a"], ["a", LONG], ["a", LONG + "s"], 1.0),
    "wholly rewritten": (["a"], ["a", LONG], ["a", "print(total)"], 0.0),
    "nearer to what stood before": (["total = first"], ["total = first + a"], ["total = first1"], 0.0),
    "extended past recognition": (["a"], ["a", "x = 1"], ["a", "x = 1 if total else compute(a, b)"], 0.0),
    "one of two lines": (["a"], ["a", "four", "sixsix"], ["a", "sixsix"], 0.6),
    "by characters that were added": (["abcdef = ("], ["abcdef = (xy)", "seven()"], ["abcdef = (", "seven()"], 0.7),
    "each later line once": (["a"], ["a", "b = 1", "b = 1"], ["a", "b = 1"], 0.5),
    "an old equal line is no excuse": (["b = 1", "a"], ["b = 1", "a", "b = 1"], ["b = 1", "a"], 0.0),
    "a comment is gone": (["x = f(y)"], ["x = f(y)  # why"], ["x = f(y)"], 0.0),
    "what the edit replaced is back": (["f(a1)", "f(a2)"], ["f(b1)"], ["f(a1)", "f(a2)"], 0.0),
    "a line that the edit removed is back where its new line was": (
        ["abcdefgx", "abyyefgh"],
        ["abcdefgh"],
        ["abyyefgh"],
        0.0,
    ),
    "only removed, still gone": (["a", "old()"], ["a"], ["a", "b"], 1.0),
    "only removed, back": (["a", "old()"], ["a"], ["a", "old()"], 0.0),
    "one of two removed is back": (["a", "four", "sixsix"], ["a"], ["a", "four"], 0.6),
    "only shortened, still short": (["return not x"], ["return x"], ["return x"], 1.0),
    "only shortened, line gone": (["a", "return not x"], ["a", "return x"], ["a"], 1.0),
    "only shortened, undone": (["return not x"], ["return x"], ["return not x"], 0.0),
    "only emptied, then written anew": (["a", "old(1)"], ["a", ""], ["a", "y = 3"], 1.0),
    "only emptied, back": (["a", "old(1)"], ["a", ""], ["a", "old(1)"], 0.0),
    "nothing written": (["a"], ["a"], ["b"], None),
}


@pytest.mark.parametrize("case", SHARES)
def test_share_that_stands(case):
    before, after, later, expected = SHARES[case]
    found = retained_share(2, state(*before), state(*after), state(*later))
    assert found == (None if expected is None else pytest.approx(expected))


@given(lines_of_code, lines_of_code)
@example(["a = 1", "return a", "a = 12"], ["return a", "# note", "return a"])
def test_all_stands_in_the_same_text_and_nothing_in_the_text_before(old, new):
    edit = line_edits(old, new)
    assert surviving_share(edit, survives(edit, new, new)) in (1.0, None)
    assert surviving_share(edit, survives(edit, new, old)) in (0.0, None)


@given(lines_of_code, lines_of_code, lines_of_code)
def test_a_share_is_a_share(old, new, later):
    edit = line_edits(old, new)
    standing = surviving_share(edit, survives(edit, new, later))
    assert (standing is None) == (edit == ())
    assert standing is None or 0 <= standing <= 1


def test_what_the_human_undid_does_not_stand_however_alike():
    before, after = state("a", t=1), state("a", LONG, t=2)
    undo = {1: (3, 0, 1, 0, 1, 0)}
    assert retained_share(2, before, after, state("a", LONG[:-1], t=3, human=undo)) == 1.0
    assert retained_share(2, before, after, state("a", LONG[:-1], t=3, human=undo, undone=frozenset({1}))) == 0.0


def test_an_undo_that_brought_a_line_back_took_something_else_back():
    before, after = state("a", t=1), state("a", LONG, t=2)
    later = state("a", LONG, t=7, human={1: (7, 0, 1, 0, 1, 0)}, undone=frozenset({1}))
    assert retained_share(2, before, after, later) == 1.0


def test_only_what_was_taken_back_since_counts():
    later = state("a", "b", "c", t=9, human={0: (3, 0, 1, 1, 0, 0), 1: (4, 0, 1, 1, 0, 0)}, undone=frozenset({0, 1, 7}))
    assert undone_since(later, since=3) == {1}


@pytest.mark.parametrize(
    ("later", "undone"),
    [
        ([], {1}),
        ([["new", "a", "b"]], {2}),  # the line moves
        ([["a", "b"], ["a", "b"]], {1}),
        ([["a", "b, typed on"]], set()),  # the human's last edit of it is another one
        ([["a"]], set()),
    ],
)
def test_what_was_taken_back_is_remembered_where_it_moves(later, undone):
    states = [state("a", "bb", t=0), state("a", "b", t=1, human={1: (1, 0, 1, 0, 1, 0)}, undone=frozenset({1}))]
    for t, lines in enumerate(later, 2):
        human, assistant = carry_attribution(states[-1], lines, "H", t)
        states.append(State(tuple(lines), t, human, assistant))
    assert undone_so_far(states) == undone
    assert undone_so_far([]) == frozenset()


@settings(deadline=None)
@given(st.lists(st.sampled_from(["", "a", "a\n", "b", " a", "pass", "x = 1"]), min_size=1, max_size=8), st.data())
def test_where_one_line_changed_every_line_stays_where_it_was(lines, data):
    """What makes it right not to align such an edit."""
    at = data.draw(st.integers(0, len(lines) - 1))
    text = data.draw(st.sampled_from(["", "a", "b\r\n", "pass", "x = 12"]))
    found = align(lines, [*lines[:at], text, *lines[at + 1 :]])
    assert found.source.tolist() == list(range(len(lines)))
    assert [bool(same) for same in found.equal] == [
        i != at or strip_line_end(text) == strip_line_end(lines[at]) for i in range(len(lines))
    ]
