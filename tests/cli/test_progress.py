"""Progress: bars on a terminal, sparse lines elsewhere, and never a reason to fail."""

import io
import itertools

from cli.progress import CompositeObserver, Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Broken(io.StringIO):
    def write(self, text):
        raise BrokenPipeError


def tell(observer):
    observer.phase("bc", 3)
    for _ in range(3):
        observer.advance()
    observer.metrics({"phase": "bc", "epoch": 1, "loss": 0.25, "human_nll": 1.5, "run_id": "x"})
    observer.message("a sentence")
    observer.phase("zero_style", 0)  # left out
    observer.phase("ppo_from_episodes", 1)
    observer.close()


def test_without_a_terminal_there_are_few_plain_lines():
    quick, slow, seconds = io.StringIO(), io.StringIO(), itertools.count(0, 4)
    tell(Progress(quick, clock=lambda: 0.0))
    assert quick.getvalue().splitlines() == [
        "behaviour cloning: up to 3 steps",
        "a sentence",
        "PPO from episodes: up to 1 steps",
    ]
    tell(Progress(slow, clock=lambda: next(seconds)))
    assert slow.getvalue().splitlines() == [
        "behaviour cloning: up to 3 steps",
        "behaviour cloning: 3 of 3",
        "a sentence",
        "PPO from episodes: up to 1 steps",
    ]


def test_on_a_terminal_each_phase_has_its_bar():
    stream = Terminal()
    tell(Progress(stream))
    text = stream.getvalue()
    for words in ("behaviour cloning   100% |", "PPO from episodes     0% |", "epoch 1, loss 0.250", "a sentence\n"):
        assert words in text
    assert "self-play" not in text


def test_more_steps_than_were_announced_are_no_more_than_all():
    stream = Terminal()
    progress = Progress(stream)
    progress.phase("bc", 2)
    progress.advance(3)
    progress.close()
    assert "behaviour cloning   100% |" in stream.getvalue().split("\r")[-1]


def test_nobody_reading_is_no_reason_to_stop():
    tell(Progress(Broken()))


def test_several_observers_hear_the_same():
    streams = io.StringIO(), io.StringIO()
    both = CompositeObserver([Progress(stream) for stream in streams])
    both.phase("bc", 1)
    both.advance()
    both.message("a")
    both.metrics({"epoch": 1, "loss": 1.0})
    assert streams[0].getvalue() == streams[1].getvalue() != ""


def test_control_characters_in_a_message_never_reach_the_terminal():
    stream = io.StringIO()
    Progress(stream).message("skipped a\x1b[2J.json")
    assert stream.getvalue() == "skipped a\\x1b[2J.json\n"
