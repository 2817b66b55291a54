"""Trials of writers: what is asked, what counts as right, and the ten lines."""

import ast

import pytest

from cli.writer_trial import MissingLine, median_ms, ten_lines, try_line, try_lines
from delegates import Completion

MISSING = MissingLine(("def f(x):", "    y = x + 1", "    return y"), 1)


class Fixed:
    def __init__(self, text):
        self.text, self.states = text, []

    def write(self, state, decision, line, context):
        self.states.append(state)
        return Completion(self.text, "fixed", (-0.5,))


def test_a_writer_sees_the_indentation_but_not_the_line():
    writer = Fixed("y = x + 1")
    assert try_line(writer, MISSING).right
    (state,) = writer.states
    assert state.lines == ("def f(x):", "    ", "    return y") and (state.cursor.line, state.cursor.char) == (1, 4)


@pytest.mark.parametrize(
    ("text", "right", "share"),
    [("y = x + 1", True, 1.0), ("y = x", False, 1.0), ("y = 2", False, 0.8), ("", False, 0.0)],
)
def test_right_is_the_whole_line_and_the_kept_prefix_a_share_of_the_text(text, right, share):
    trial = try_line(Fixed(text), MISSING)
    assert (trial.right, trial.kept_prefix) == (right, pytest.approx(share))


def test_there_are_ten_lines_of_ten_programs_that_run_as_they_stand():
    lines = ten_lines()
    assert len({missing.expected for missing in lines}) == 10
    for missing in lines:
        ast.parse("\n".join(missing.lines))


def test_progress_is_told_after_each_line():
    calls = []
    trials = try_lines(Fixed("pass"), ten_lines(), lambda: calls.append(1))
    assert len(calls) == len(trials) == 10


def test_the_median_is_of_the_times_that_writing_took(monkeypatch):
    """On a clock that goes on only while the writer writes: 2, 40 and 7 ms."""
    now, durations = [5.0], iter((0.002, 0.04, 0.007))

    class Slow(Fixed):
        def write(self, *arguments):
            now[0] += next(durations)
            return super().write(*arguments)

    monkeypatch.setattr("cli.writer_trial.time.perf_counter", lambda: now[0])
    trials = try_lines(Slow("pass"), [MISSING] * 3)
    assert [trial.seconds for trial in trials] == pytest.approx([0.002, 0.04, 0.007])
    assert median_ms(trials) == pytest.approx(7.0)
