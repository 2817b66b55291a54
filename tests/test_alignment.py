"""Lines find themselves again: equal ones always, rewritten ones by likeness and place; at a cost that stays linear."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alignment import align, changed_span, common_subsequence, lcs_length, similarity

few_lines = st.lists(
    st.sampled_from(["", "  ", "a = 1", "a = 2", "b = call(a)", "return a", "return b", "x\n"]), max_size=9
)
short_text = st.text("ab( x", max_size=12)

# old, new: the old line that each new line is (-1: new).
TABLE = {
    "nothing changed": (["a", "b"], ["a", "b"], [0, 1]),
    "from nothing": ([], ["a"], [-1]),
    "to nothing": (["a"], [], []),
    "a line above": (["def f():", "    return x"], ["import re", "def f():", "    return x"], [-1, 0, 1]),
    "a line below": (["a", "b"], ["a", "b", "c"], [0, 1, -1]),
    "a line went": (["a", "b", "c"], ["a", "c"], [0, 2]),
    "rewritten in place": (["a", "total = 1", "c"], ["a", "print(x)", "c"], [0, 1, 2]),
    "rewritten, with one above": (["a", "total = 1", "c"], ["a", "# sum", "total = 12", "c"], [0, -1, 1, 2]),
    "two swapped": (["first = 1", "second = 2"], ["second = 2", "first = 1"], [1, 0]),
    "moved to the end": (["f()", "b", "c", "d"], ["b", "c", "d", "f()"], [1, 2, 3, 0]),
    "moved and rewritten": (
        ["value = compute(1)", "k", "l", "m"],
        ["k", "l", "m", "value = compute(12)"],
        [1, 2, 3, 0],
    ),
    "a blank line filled by two": (["a", "", "b"], ["a", "x = 1", "y = 2", "b"], [0, 1, -1, 2]),
    "one replaced by two unlike it": (["a", "old()", "b"], ["a", "x = 1", "y = 22", "b"], [0, -1, -1, 2]),
    "typed on, and Enter": (["a", "si", "b"], ["a", "size = len(matrix)", "", "b"], [0, 1, -1, 2]),
    "most of it deleted, and Enter": (["a", "size = len(matrix)", "b"], ["a", "", "si", "b"], [0, -1, 1, 2]),
    "blank lines do not move": (["", "a", "b"], ["a", "b", ""], [1, 2, -1]),
    "indented": (["a", "x = f(y)"], ["if a:", "    x = f(y)"], [0, 1]),
    "each line once": (["x", "a"], ["x", "x", "x", "a"], [0, -1, -1, 1]),
    "line ends do not count": (["a\r\n", "b"], ["a\n", "b\n", "c"], [0, 1, -1]),
}


@pytest.mark.parametrize("case", TABLE)
def test_which_line_is_which(case):
    old, new, source = TABLE[case]
    assert align(old, new).source.tolist() == source


def test_equal_and_removed():
    found = align(["a", "total = 1", "gone", "c\n"], ["total = 2", "c", "a"])
    assert found.source.tolist() == [1, 3, 0]
    assert found.equal.tolist() == [False, True, True]
    assert found.removed == (2,)


@given(few_lines, few_lines)
def test_an_alignment_is_a_matching_that_finds_every_equal_line(old, new):
    found = align(old, new)
    used = [i for i in found.source.tolist() if i >= 0]
    assert len(set(used)) == len(used)
    assert sorted((*used, *found.removed)) == list(range(len(old)))
    plain_old, plain_new = [line.rstrip("\r\n") for line in old], [line.rstrip("\r\n") for line in new]
    for j, (i, equal) in enumerate(zip(found.source.tolist(), found.equal.tolist(), strict=True)):
        assert not equal or plain_old[i] == plain_new[j]
    shared = Counter(line for line in plain_old if line.strip()) & Counter(line for line in plain_new if line.strip())
    assert Counter(plain_new[j] for j in np.flatnonzero(found.equal) if plain_new[j].strip()) == shared


@given(few_lines, few_lines)
@example(["a = 1", "return a", "return b"], ["return a", "b = call(a)", "return a"])
def test_equal_lines_are_the_same_ones_whichever_text_is_the_older(old, new):
    there, back = align(old, new), align(new, old)
    assert {(int(there.source[j]), int(j)) for j in np.flatnonzero(there.equal)} == {
        (int(i), int(back.source[i])) for i in np.flatnonzero(back.equal)
    }


@given(few_lines, few_lines)
def test_equal_lines_in_order_are_the_most_possible(old, new):
    pairs = common_subsequence(old, new)
    assert all(old[i] == new[j] for i, j in pairs)
    assert all(a < c and b < d for (a, b), (c, d) in pairwise(pairs))
    assert len(pairs) == _longest(old, new)


def test_large_texts_keep_nearly_all_equal_lines_in_order():
    random_ = random.Random(1)
    old = [random_.choice(["", "    pass", f"x{k} = {k}", f"y{k} = {k}"]) for k in range(600)]
    new = [line for line in old if random_.random() > 0.2]
    for _ in range(60):
        new.insert(random_.randrange(len(new)), random_.choice(["", "    pass", "inserted()"]))
    assert len(common_subsequence(old, new)) >= 0.99 * _longest(old, new)


def _longest(a, b):
    row = [0] * (len(b) + 1)
    for x in a:
        above = row
        row = [0]
        for j, y in enumerate(b):
            row.append(above[j] + 1 if x == y else max(above[j + 1], row[j]))
    return row[-1]


@given(short_text, short_text)
def test_common_is_the_longest_common_subsequence(a, b):
    assert lcs_length(a, b) == _longest(a, b)
    assert similarity(a, b) == similarity(b, a) == (1.0 if a == b else 2 * _longest(a, b) / (len(a) + len(b)))


def test_very_long_lines_are_compared_at_once(steps):
    a, b = "x" * 100_000 + "y", "z" + "xy" * 50_000
    assert steps(similarity, a, b) < 500, "nothing is done character by character"
    assert 0.4 < similarity(a, b) <= 1
    assert similarity(a, a + "!") > 0.99
    assert similarity("a" * 100_000, "b" * 100_000) == 0


@pytest.mark.parametrize(
    ("old", "new", "span"),
    [
        ("", "abc", (0, 3, 3, 0)),
        ("abc", "", (0, 0, 0, 3)),
        ("x = (m", "x = (matrix)", (6, 12, 6, 0)),
        ("return not x", "return x", (7, 7, 0, 4)),
        ("a + b", "a - b", (2, 3, 1, 1)),
        ("aa", "aaa", (2, 3, 1, 0)),
        ("same", "same", (4, 4, 0, 0)),
    ],
)
def test_changed_span(old, new, span):
    assert changed_span(old, new) == span


@given(short_text, short_text)
def test_a_changed_span_is_all_that_changed(old, new):
    start, end, added, deleted = changed_span(old, new)
    assert old[:start] + new[start:end] + old[start + deleted :] == new
    assert added == end - start


def _texts(kind, n):
    random_ = random.Random(n)
    numbered = [f"value_{k} = function_{random_.randrange(n)}({k})" for k in range(n)]
    match kind:
        case "edited":
            return numbered, [f"{line}  # more" if k % 10 == 0 else line for k, line in enumerate(numbered)]
        case "shuffled":
            return numbered, random_.sample(numbered, n)
        case "rewritten":
            return numbered, [f"{random_.random()} + {k}" for k in range(n)]
        case "blank":
            return [""] * n, ["", "x"] * (n // 2)
        case "reversed":
            return numbered, numbered[::-1]
        case _:
            return random_.choices("abc", k=n), random_.choices("abc", k=n)


@pytest.mark.parametrize("kind", ["edited", "shuffled", "rewritten", "blank", "reversed", "three texts"])
def test_twice_the_lines_cost_twice_the_steps(kind, steps):
    assert steps(align, *_texts(kind, 2000)) < 2.5 * steps(align, *_texts(kind, 1000))


@pytest.mark.parametrize("kind", ["shuffled", "blank", "three texts"])
def test_fifty_thousand_lines(kind):
    old, new = _texts(kind, 50_000)
    assert align(old, new).equal.sum() > 16_000
