"""The first signal is noted, the second one interrupts; afterwards everything is as it was."""

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
