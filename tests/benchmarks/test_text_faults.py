"""Each kind of fault is told where it is, and not where it is not."""

import pytest

from actions import Decision
from benchmarks.text_faults import WrittenLines, faults

CODE, NOTE = Decision.WRITE_MULTI_LINE, Decision.EXPLAIN_MULTI_LINES
ABOVE = "def f(values):\n    total = 0"
BELOW = "    return total"


def told(text, decision=CODE, above=ABOVE, below=BELOW):
    before = [*above.split("\n"), *below.split("\n")]
    after = [*above.split("\n"), *text.split("\n"), *below.split("\n")]
    return faults(WrittenLines.of(before, after, decision))


@pytest.mark.parametrize(
    "text", ["    for value in values:\n        total += value", "    total = sum(values)", "    if values:"]
)
def test_right_code_has_no_fault(text):
    assert told(text) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("    else:\n        total = 1", "wrong Python"),
        ("    total = (", "wrong Python"),
        ("    total = master", "unknown name"),
        ("    for x in int:\n        total += x", "unknown name"),
        ("    total = 0", "repeats"),
        ("    total  = 1", "blanks"),
        ("    pass", "no effect"),
        ("    values", "no effect"),
        ("    total = total", "no effect"),
    ],
)
def test_a_fault_is_told(text, fault):
    assert fault in told(text)


def test_a_comment_is_a_fault_where_it_says_no_more_than_the_code():
    assert told("    # Returns total", NOTE) == ["restates"]
    assert told("    # what all prices come to, tax included", NOTE) == []
