"""What nobody would write at a place is told from what may be meant there, also in files that are half written."""

import ast
import random
from pathlib import Path

import pytest

from delegates.embedded.plausibility import Plausibility
from delegates.embedded.surroundings import surroundings
from indentation import indentation
from judge.problems.catalogue import catalogue


def accepts(text, added, **known):
    """Whether the lines `added` can be meant in place of the line of `text` that is `|`."""
    lines = text.split("\n")
    row = next(i for i, line in enumerate(lines) if line.strip() == "|")
    lines[row] = lines[row].replace("|", "")
    indent = indentation(lines[row])
    around = surroundings(lines, row, indent)
    assert around is not None
    rows = [indent + line for line in added.split("\n")]
    return Plausibility(around, **known).accepts(rows)


FUNCTION = """\
import math
limit = 3

def outer(values: list[int], name: str, size: int) -> int:
    total = 0
    words = name.split()
    for value in values:
        |
    later = 1
    return total

def other(elsewhere):
    hidden = 1
"""


@pytest.mark.parametrize(
    "line",
    [
        "total += value", "total += math.floor(value / 2)", "if value > limit:", "continue",
        "words.append(name.upper())",
        "other(value)", "total = max(total, value)", "while total > size:", "pair = (value, total)",
        "squares = [each * each for each in values]", "return total", "name = name.strip()",
        "kinds = set(map(int, words))", "if isinstance(value, int):", "total += len(words)",
        "for place, word in enumerate(words):\n    total += place", "words[0] += name", "key = sorted(words, key=len)",
    ],
)  # fmt: skip
def test_what_people_write_is_accepted(line):
    assert accepts(FUNCTION, line)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("total += hidden", "a name of another function"),
        ("total += master", "a name that nothing binds"),
        ("total += later", "a name that is bound later only"),
        ("total += math.flor(value)", "a module has no such attribute"),
        ("del master[0]", "a name that nothing binds"),
        ("for each in int:", "a type is nothing to go through"),
        ("if str:", "a type is no condition"),
        ("list.append([list])", "a type is no value"),
        ("total = int", "a type is no value"),
        ("for digit in size:", "a number is nothing to go through"),
        ("total += name", "a number and a text"),
        ("if size < name:", "a number and a text"),
        ("values.strip()", "a list has no such attribute"),
        ("name.append(value)", "a text has no such attribute"),
        ("size()", "a number cannot be called"),
        ("total += size[0]", "a number has no elements"),
        ("total = len(size)", "a number has no length"),
        ("total = len(values, 2)", "too many arguments"),
        ("total = min(value, value)", "the same twice"),
        ("if value == value:", "compared with itself"),
        ("total = total", "no effect"),
        ("total", "no effect"),
        ("pass", "no effect"),
        ("...", "no effect"),
        ("total == value", "no effect"),
        ("sorted(values)", "no effect"),
        ("name.lower()", "no effect"),
        ("if size is None:", "a number is never None"),
        ("return", "the function returns a number"),
        ("return name", "the function returns a number"),
        ("raise", "no exception is there to be raised again"),
        ("values = []", "a parameter's value is lost"),
        ("value = total", "the loop's variable is lost"),
        ("for value in words:", "the loop's variable is used by another loop"),
        ("for value in value:", "what is gone through is its own element"),
        ("for value in values:", "the loop that it is in"),
        ("max = 3", "a built-in name gets another meaning"),
        ("with words:", "nothing that can be entered"),
        ("del total", "nobody deletes a variable"),
        ("return total\ntotal += 1", "never reached"),
        ("best = 1\nbest = 2", "overwritten unread"),
        ("if value > limit:\n    total += missing", "a name that nothing binds, in a block"),
    ],
)
def test_what_nobody_would_write_is_refused(line, reason):
    assert not accepts(FUNCTION, line), reason


def test_a_statement_is_not_repeated_in_its_block():
    text = "def f(xs):\n    best = 0\n    |\n    for x in xs:\n        best += x\n"
    assert not accepts(text, "best = 0") and not accepts(text, "for x in xs:")
    assert accepts(text, "if not xs:")


def test_below_what_leaves_the_block_nothing_is_reached():
    assert not accepts("def f(x):\n    return x\n    |\n", "print(x)")


def test_loops_are_left_only_in_loops_and_exceptions_raised_again_only_where_caught():
    assert not accepts("def f(x):\n    |\n", "break")
    assert accepts("def f(x):\n    try:\n        x()\n    except OSError:\n        |\n", "raise")
    assert not accepts("def f(x):\n    |\n", "raise ValueError(x)", may_raise=False)


def test_a_name_that_the_person_uses_without_a_definition_may_be_used():
    assert accepts("a = load('a')\n|\n", "b = load('b')")


def test_an_attribute_must_be_known_of_something():
    text = "def f(box):\n    box.open()\n    |\n"
    assert accepts(text, "box.open(1)", attributes=frozenset({"open"}))
    assert not accepts(text, "box.setblocking(1)", attributes=frozenset({"open"}))


@pytest.mark.parametrize(
    "broken", ["    if total >", "    try:", "    for x in (", "    rows = [1,", "    else:", "    while x:", "  x = 1"]
)
def test_a_broken_line_elsewhere_hides_little(broken):
    text = f"def f(values):\n    total = 0\n{broken}\n    |\n\ndef g(other):\n    return other\n"
    lines = text.split("\n")
    row = next(i for i, line in enumerate(lines) if line.strip() == "|")
    lines[row] = "    "
    around = surroundings(lines, row, "    ")
    if around is not None:  # where a bracket is open nothing can be told
        assert not Plausibility(around).accepts(["    total += missing"])
        assert Plausibility(around).accepts(["    total += values[0]"])


def test_what_a_half_written_line_binds_is_known():
    text = "def f(values):\n    total = \n    |\n"
    assert accepts(text, "print(total, values)")


LINES = [
    (problem.id, tuple(problem.solution), row)
    for problem in catalogue().values()
    for row in range(problem.skeleton, len(problem.solution))
    if problem.solution[row].strip() and not problem.solution[row].lstrip().startswith("#")
]


def test_hardly_a_line_of_right_programs_is_refused():
    refused = []
    for name, solution, row in LINES:
        lines = [*solution[:row], indentation(solution[row])]
        around = surroundings(lines, row, indentation(solution[row]))
        if not Plausibility(around, frozenset(dir(list)) | frozenset(dir(str))).accepts([solution[row]]):
            refused.append((name, solution[row]))
    assert len(refused) < 0.06 * len(LINES), refused


@pytest.mark.parametrize("name", ["shlex.py", "csv.py", "textwrap.py"])
def test_no_half_written_file_is_too_much(name):
    lines = (Path(ast.__file__).parent / name).read_text().split("\n")
    generator = random.Random(name)
    for _ in range(60):
        row = generator.randrange(len(lines))
        cut = [
            *lines[:row],
            lines[row][: generator.randrange(len(lines[row]) + 1)],
            *lines[row + generator.randrange(5) :],
        ]
        around = surroundings(cut, row, indentation(cut[row]))
        assert Plausibility(around).accepts([cut[row]]) in (True, False)
