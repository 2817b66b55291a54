"""Written texts that a person saw and what they made of them, for the reviewer to learn from. Not here: the fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import rewards
from actions import Decision
from models.reviewer import FEATURES, LARGEST_WEIGHT, WrittenText, fit
from state_adapter import Episode, Transition


@dataclass(frozen=True)
class ReviewedTexts:
    """N texts: features `(N, F)`; the share of each that stood at the person's reply, and its weight, `(N,)` each.

    weights: one over the probability with which a text was shown, so that those that are mostly held back count for
    those that were.
    """

    features: NDArray[np.float64]
    shares: NDArray[np.float64]
    weights: NDArray[np.float64]

    @classmethod
    def of(cls, episodes: Sequence[Episode]) -> ReviewedTexts:
        """The texts of recorded sessions whose writer is known, and which the person has replied to."""
        rows = [row for episode in episodes for row in _rows(episode)]
        features = np.array([features for features, _, _ in rows], dtype=float).reshape(len(rows), len(FEATURES))
        shares, weights = np.array([(share, weight) for _, share, weight in rows], dtype=float).reshape(-1, 2).T
        return cls(features, shares, weights)

    def __len__(self) -> int:
        return len(self.shares)

    def fit(self) -> tuple[float, ...]:
        """The reviewer's coefficients for this person, held to the start."""
        return fit(self.features, self.shares, self.weights)


def _rows(episode: Episode) -> Iterator[tuple[tuple[float, ...], float, float]]:
    for transition in episode.transitions("A"):
        if not _was_shown(transition):
            continue
        retained = rewards.retention(transition).retained
        if retained is not None:
            yield _features(transition), retained, _weight(transition)


def _was_shown(transition: Transition) -> bool:
    """Whether the decision wrote a text whose writer is known; help that was held back is recorded as a NO-OP."""
    action, state = transition.action, transition.state
    wrote = action.decision is not Decision.NO_OP and transition.next.lines != state.lines
    return wrote and action.writer is not None and 0 <= action.line < len(state)


def _features(transition: Transition) -> tuple[float, ...]:
    action, writer = transition.action, transition.action.writer
    mean_log_prob = None if writer is None else writer.mean_log_prob
    return WrittenText.of(transition.state, transition.next.lines, action, mean_log_prob).features()


def _weight(transition: Transition) -> float:
    review = transition.action.review
    probability = None if review is None else review.shown_probability
    return 1.0 if probability is None else min(1.0 / max(probability, 1e-9), LARGEST_WEIGHT)
