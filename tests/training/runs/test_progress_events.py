"""Events of a run promise: a line of strict JSON each, few of them, and no harm where nobody listens."""

import io
import json
import math

from training.runs.progress_events import ADVANCE_SECONDS, ProgressEvents


class Closed(io.StringIO):
    def write(self, text):
        raise BrokenPipeError


def events_of(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def tell(events):
    events.phase("bc", 4)
    events.advance()
    events.metrics({"phase": "bc", "epoch": 1, "loss": math.nan})
    events.message("two\nlines")
    events.outcome({"generation": "000001-a"})


def test_everything_is_told_in_lines_of_strict_json():
    stream = io.StringIO()
    tell(ProgressEvents(stream, {"bc": 3}))
    assert events_of(stream) == [
        {"event": "phase", "name": "bc", "title": "behaviour cloning", "steps": 4, "epochs": 3, "plan": {"bc": 3}},
        {"event": "advance", "steps": 1},
        {"event": "epoch", "row": {"phase": "bc", "epoch": 1, "loss": None}},
        {"event": "message", "text": "two\nlines"},
        {"event": "outcome", "outcome": {"generation": "000001-a"}},
    ]


def test_steps_are_told_a_few_times_a_second():
    stream, now = io.StringIO(), [0.0]
    events = ProgressEvents(stream, {}, clock=lambda: now[0])
    events.phase("zero_style", 100)
    for _ in range(100):
        now[0] += ADVANCE_SECONDS / 10
        events.advance()
    steps = [event["steps"] for event in events_of(stream)[1:]]
    assert len(steps) in (9, 10) and steps == sorted(steps) and steps[-1] >= 90
    events.phase("unheard of", 1)
    assert events_of(stream)[-1] == {
        "event": "phase",
        "name": "unheard of",
        "title": "unheard of",
        "steps": 1,
        "epochs": 0,
        "plan": {},
    }


def test_that_nobody_reads_them_changes_nothing():
    tell(ProgressEvents(Closed(), {}))
    stream = io.StringIO()
    stream.close()
    tell(ProgressEvents(stream, {}))
