"""The first signal is noted, the second one interrupts; afterwards everything is as it was."""

import signal
import threading

import pytest

from training.runs.deferred_signals import SIGNALS, deferred


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_is_noted_and_the_second_interrupts(number):
    before = [signal.getsignal(one) for one in SIGNALS]
    with deferred() as interrupt:
        assert not interrupt.asked
        signal.raise_signal(number)
        assert interrupt.asked
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert [signal.getsignal(one) for one in SIGNALS] == before


def test_another_thread_defers_nothing_and_does_not_fail():
    before, asked = [signal.getsignal(one) for one in SIGNALS], []

    def work():
        with deferred() as interrupt:
            asked.append(interrupt.asked)
            asked.append([signal.getsignal(one) for one in SIGNALS] == before)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert asked == [False, True]
