"""A completion says how sure its writer was, and says nothing where that is unknown."""

import pytest

from delegates import Cancellation, Completion, WritingCancelledError


def test_statistics_are_those_of_the_tokens():
    completion = Completion("return a", "model", (-0.5, -2.0, -0.2))
    assert completion.mean_log_prob == pytest.approx(-0.9)
    assert (completion.min_log_prob, completion.first_log_prob, completion.token_count) == (-2.0, -0.5, 3)


@pytest.mark.parametrize(("log_probs", "count"), [(None, None), ((), 0)])
def test_without_tokens_nothing_is_said(log_probs, count):
    completion = Completion("", "model", log_probs)
    assert completion.mean_log_prob is completion.min_log_prob is completion.first_log_prob is None
    assert completion.token_count == count


def test_whoever_waits_hears_of_a_cancellation_once_and_whoever_comes_late_at_once():
    calls = []
    cancellation = Cancellation()
    cancellation.raise_if_cancelled()
    cancellation.on_cancel(lambda: calls.append("waited"))
    cancellation.cancel()
    cancellation.cancel()
    cancellation.on_cancel(lambda: calls.append("late"))
    assert calls == ["waited", "late"] and cancellation.cancelled
    with pytest.raises(WritingCancelledError):
        cancellation.raise_if_cancelled()
