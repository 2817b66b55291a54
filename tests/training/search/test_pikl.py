"""Play between imitation and reason: its limits, its bounds, and drawing from it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.search.numerics import sample
from training.search.pikl import pikl

Q = np.array([0.3, 0.9, 0.5, 1.0])
TAU = np.array([0.5, 0.3, 0.2, 0.0])
with np.errstate(divide="ignore"):
    LOG_TAU = np.log(TAU)


@pytest.mark.parametrize("lam", [1e6, 1e300, np.inf])
def test_to_infinity_it_is_the_imitation(lam):
    assert pikl(Q, LOG_TAU, lam, kappa=0.3) == pytest.approx(TAU, abs=1e-5)


@pytest.mark.parametrize("lam", [1e-8, 1e-300, 0.0])
def test_to_zero_it_is_the_softmax_of_q_among_what_the_imitation_plays(lam):
    weights = np.exp(Q[:3] / 0.2)
    assert pikl(Q, LOG_TAU, lam, kappa=0.2) == pytest.approx([*(weights / weights.sum()), 0.0], abs=1e-5)


@pytest.mark.parametrize("lam", [1e-8, 1e-300, 0.0])
def test_to_zero_without_temperature_it_is_the_best_reply(lam):
    assert pikl(Q, LOG_TAU, lam).tolist() == pytest.approx([0, 1, 0, 0])


def test_tied_replies_share_by_imitation_and_without_any_alike():
    q, log_tau = np.array([1.0, 1.0, 0.0]), np.log([0.1, 0.3, 0.6])
    assert pikl(q, log_tau, 1e-6) == pytest.approx([0.25, 0.75, 0.0])
    assert pikl(q, log_tau, 0.0) == pytest.approx([0.5, 0.5, 0.0])


def test_worked_by_hand():
    # lambda 1, kappa 1: exp((Q + log tau) / 2) = sqrt(tau e^Q): sqrt(.25), sqrt(.75 * e) -> .5, 1.4278
    q, log_tau = np.array([0.0, 1.0]), np.log([0.25, 0.75])
    assert pikl(q, log_tau, 1.0, 1.0) == pytest.approx([0.2594, 0.7406], abs=1e-4)


def test_each_row_has_its_own_lambda():
    q, log_tau = np.stack([Q] * 3), np.stack([LOG_TAU] * 3)
    rows = pikl(q, log_tau, np.array([0.0, 0.5, np.inf]))
    for row, lam in zip(rows, (0.0, 0.5, np.inf), strict=True):
        assert row == pytest.approx(pikl(Q, LOG_TAU, lam))


@given(
    st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(0, 1)), min_size=1, max_size=8),
    st.one_of(st.just(0.0), st.floats(1e-9, 1e9), st.just(np.inf)),
    st.one_of(st.just(0.0), st.floats(1e-9, 1e3)),
)
def test_always_a_distribution_over_what_the_imitation_plays(replies, lam, kappa):
    q, tau = np.array(replies).T
    tau[0] = max(tau[0], 0.1)
    with np.errstate(divide="ignore"):
        probs = pikl(q, np.log(tau / tau.sum()), lam, kappa)
    assert probs.sum() == pytest.approx(1)
    assert (probs >= 0).all()
    assert (probs[tau == 0] == 0).all()


def test_draws_follow_the_probabilities_and_never_hit_zero():
    probs = np.tile([0.0, 0.25, 0.0, 0.75, 0.0], (1000, 1))
    drawn = sample(probs, np.linspace(0, 1, 1000, endpoint=False))
    assert np.bincount(drawn, minlength=5).tolist() == [0, 250, 0, 750, 0]
    assert sample(np.array([[0.0, 1e-20, 0.0]]), np.array([1 - 2**-53])).tolist() == [1]
