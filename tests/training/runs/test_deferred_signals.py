"""The first signal is noted, the second one interrupts; afterwards everything is as it was."""

import os
import signal
import threading

import pytest

from training.runs.deferred_signals import DEFERRED_SIGNALS, defer_signals


@pytest.mark.parametrize("number", DEFERRED_SIGNALS)
def test_the_first_is_noted_and_the_second_interrupts(number):
    before = [signal.getsignal(one) for one in DEFERRED_SIGNALS]
    with defer_signals() as interrupt:
        assert not interrupt.requested
        signal.raise_signal(number)
        assert interrupt.requested
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert [signal.getsignal(one) for one in DEFERRED_SIGNALS] == before


def test_a_hangup_ends_a_run_as_a_termination_does():
    assert {signal.SIGINT, signal.SIGTERM, signal.SIGHUP} == set(DEFERRED_SIGNALS)


def test_an_ignored_hangup_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as under nohup
    try:
        with defer_signals() as interrupt:
            signal.raise_signal(signal.SIGHUP)
            assert not interrupt.requested and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_terminal_that_is_gone_does_not_stop_the_run_from_saving(monkeypatch):
    def write(descriptor, content):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "write", write)
    with defer_signals(announce=True) as interrupt:
        signal.raise_signal(signal.SIGTERM)
        assert interrupt.requested


def test_another_thread_defers_nothing_and_does_not_fail():
    before, asked = [signal.getsignal(one) for one in DEFERRED_SIGNALS], []

    def work():
        with defer_signals() as interrupt:
            asked.append(interrupt.requested)
            asked.append([signal.getsignal(one) for one in DEFERRED_SIGNALS] == before)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert asked == [False, True]
