"""Tries a writer on lines of which the right text is known: how often it is right, how much of it agrees, how fast.

Not here: what the numbers are printed for (`cli.writers`, `benchmarks.writers`).
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from actions import Decision
from alignment import common_prefix
from delegates import NO_CONTEXT, Completion, TextWriter
from delegates.cleaning import clean
from indentation import indentation
from state import Cursor, State, unedited


@dataclass(frozen=True, slots=True)
class MissingLine:
    """A file without one line. lines: of the whole file; number: of the line that is asked for, from 0."""

    lines: tuple[str, ...]
    number: int

    @property
    def expected(self) -> str:
        """The line, without its indentation."""
        return self.lines[self.number].strip()

    @property
    def state(self) -> State:
        """The file with only the line's indentation in its place, the cursor behind it."""
        blanks = indentation(self.lines[self.number])
        lines = (*self.lines[: self.number], blanks, *self.lines[self.number + 1 :])
        cursor = Cursor(on=True, line=self.number, char=len(blanks), last_t=1)
        return State(lines, 1, unedited(len(lines)), unedited(len(lines)), cursor)


@dataclass(frozen=True, slots=True)
class Trial:
    """What a writer wrote for one missing line, cleaned, and how long it took (seconds)."""

    expected: str
    text: str
    seconds: float
    completion: Completion

    @property
    def right(self) -> bool:
        """Whether the whole line is exactly the missing one."""
        return self.text == self.expected

    @property
    def kept_prefix(self) -> float:
        """Share of the text's characters up to the first one that differs from the missing line; 0 without a text."""
        return common_prefix(self.text, self.expected) / len(self.text) if self.text else 0.0


def try_line(writer: TextWriter, missing_line: MissingLine) -> Trial:
    """One trial."""
    state = missing_line.state
    start = time.perf_counter()
    completion = writer.write(state, Decision.WRITE_SINGLE_LINE, missing_line.number, NO_CONTEXT)
    text = clean(completion.text, state, Decision.WRITE_SINGLE_LINE, missing_line.number)
    return Trial(missing_line.expected, text.strip(), time.perf_counter() - start, completion)


def try_lines(
    writer: TextWriter, lines: Sequence[MissingLine], advance: Callable[[], object] = lambda: None
) -> list[Trial]:
    """A trial of each line; `advance` is called after each."""
    trials = []
    for missing_line in lines:
        trials.append(try_line(writer, missing_line))
        advance()
    return trials


def median_ms(trials: Sequence[Trial]) -> float:
    """Of the times; at least one trial."""
    return 1e3 * statistics.median([trial.seconds for trial in trials])


_PROGRAMS = """\
def mean(values):
    total = 0
    for value in values:
>        total += value
    return total / len(values)
---
def is_palindrome(text):
    cleaned = text.lower().replace(' ', '')
>    return cleaned == cleaned[::-1]
---
def largest(values):
    best = values[0]
    for value in values[1:]:
>        if value > best:
            best = value
    return best
---
class Stack:
    def __init__(self):
>        self.items = []

    def push(self, item):
        self.items.append(item)
---
def fibonacci(n):
    a, b = 0, 1
    for _ in range(n):
>        a, b = b, a + b
    return a
---
import json

def read_json(path):
    with open(path) as file:
>        return json.load(file)
---
def count_words(text):
    counts = {}
    for word in text.split():
>        counts[word] = counts.get(word, 0) + 1
    return counts
---
def factorial(n):
    if n == 0:
>        return 1
    return n * factorial(n - 1)
---
def swap(values, i, j):
>    values[i], values[j] = values[j], values[i]
    return values
---
def flatten(rows):
    flat = []
    for row in rows:
        for value in row:
>            flat.append(value)
    return flat
"""
"""Short programs; the line that is asked for begins with `>`."""


def ten_lines() -> list[MissingLine]:
    """A line of each of ten short programs, for a first impression of a writer."""
    return [_missing_line(program.split("\n")) for program in _PROGRAMS.rstrip("\n").split("\n---\n")]


def _missing_line(marked: Sequence[str]) -> MissingLine:
    number = next(number for number, line in enumerate(marked) if line.startswith(">"))
    return MissingLine(tuple(line.removeprefix(">") for line in marked), number)
