"""Work with a time limit: answered at once when it is over or nobody wants it, whatever the work does."""

import threading
import time

import pytest

from delegates import Cancellation, WritingCancelledError
from services.assistance.deadline import DeadlineError, run_within

LONG = 30.0


def test_what_the_work_returns_or_raises_comes_back():
    assert run_within(LONG, lambda cancellation: cancellation.cancelled, Cancellation()) is False
    with pytest.raises(ZeroDivisionError):
        run_within(LONG, lambda cancellation: 1 / 0, Cancellation())


def test_work_that_takes_too_long_is_told_to_stop_and_not_waited_for():
    release, told = threading.Event(), []

    def work(cancellation):
        cancellation.on_cancel(lambda: told.append(True))
        release.wait(LONG)

    began = time.monotonic()
    with pytest.raises(DeadlineError, match="longer than"):
        run_within(0.05, work, Cancellation())
    release.set()
    assert told == [True] and time.monotonic() - began < LONG / 2


def test_a_cancellation_is_answered_at_once_and_passed_on():
    cancellation, release, seen = Cancellation(), threading.Event(), []

    def work(own):
        own.on_cancel(lambda: seen.append(own.cancelled))
        cancellation.cancel()
        release.wait(LONG)

    with pytest.raises(WritingCancelledError):
        run_within(LONG, work, cancellation)
    release.set()
    assert seen == [True]
    with pytest.raises(WritingCancelledError):
        run_within(LONG, lambda own: release.wait(LONG), cancellation)


def test_without_any_time_the_work_does_not_begin():
    begun = []
    with pytest.raises(DeadlineError, match="no time left"):
        run_within(0.0, begun.append, Cancellation())
    assert begun == []
