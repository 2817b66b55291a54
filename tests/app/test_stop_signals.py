"""Signals that end a server are counted, one for each time that somebody asked; an ignored one stays ignored."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app import stop_signals
from app.stop_signals import STOP_SIGNALS, EndRequest, StopSignals


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_a_signal_is_counted_and_then_means_again_what_it_meant(number):
    before, end = signal.getsignal(number), EndRequest()
    signals = StopSignals(end)
    with signals.caught():
        os.kill(os.getpid(), number)
    assert signals.received == [number] and end.is_set()
    assert signal.getsignal(number) is before


def test_what_a_wrapper_passes_on_at_once_is_the_same_signal_and_a_later_one_is_another(monkeypatch):
    clock = iter([1.0, 1.05, 1.4])
    monkeypatch.setattr(stop_signals.time, "monotonic", lambda: next(clock))
    signals = StopSignals(EndRequest())
    with signals.caught():
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGINT)
    assert signals.received == [signal.SIGINT, signal.SIGINT]


def test_under_nohup_a_hang_up_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        signals = StopSignals(EndRequest())
        with signals.caught():
            os.kill(os.getpid(), signal.SIGHUP)
        assert signals.received == [] and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


SIGNAL_AT_EVERY_STEP = """
import os, signal, sys
from app.stop_signals import EndRequest, StopSignals

end = EndRequest()
signals = StopSignals(end)

def trace(frame, event, argument):
    os.kill(os.getpid(), signal.SIGINT)
    return trace

with signals.caught():
    sys.settrace(trace)
    end.{act}()
    sys.settrace(None)
print(end.is_set(), len(signals.received) > 0)
"""


@pytest.mark.parametrize("act", ["wait", "set"])
def test_a_signal_at_any_moment_of_waiting_or_of_asking_holds_up_nothing(root, act):
    line = [sys.executable, "-c", SIGNAL_AT_EVERY_STEP.format(act=act)]
    answer = subprocess.run(line, cwd=root, capture_output=True, text=True, timeout=30, check=False)
    assert answer.stdout == "True True\n", answer.stderr


SIGNAL_IN_ANOTHER_THREAD = """
import signal, threading, time
from app.stop_signals import EndRequest, StopSignals

end, is_over = EndRequest(), threading.Event()
signals = StopSignals(end)
other = threading.Thread(target=is_over.wait)
other.start()

def send():
    time.sleep(0.3)
    signal.pthread_kill(other.ident, signal.SIGTERM)

with signals.caught():
    threading.Thread(target=send).start()
    end.wait()
is_over.set()
print(signals.received)
"""


def test_a_signal_that_the_system_gives_to_another_thread_wakes_the_one_that_waits(root):
    line = [sys.executable, "-c", SIGNAL_IN_ANOTHER_THREAD]
    answer = subprocess.run(line, cwd=root, capture_output=True, text=True, timeout=30, check=False)
    assert "SIGTERM" in answer.stdout, answer.stderr


def test_asking_often_holds_up_nobody_and_nothing_stays_open():
    descriptors = len(list(Path("/dev/fd").iterdir()))
    end = EndRequest()
    for _ in range(100_000):
        end.set()
    end.wait()
    del end
    assert len(list(Path("/dev/fd").iterdir())) == descriptors
