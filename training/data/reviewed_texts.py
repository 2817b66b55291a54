"""Written texts of recorded sessions: what a person made of those that they saw, for the reviewer to learn from, and
how probable what was done with a text is under another reviewer. Not here: the fit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

import rewards
from actions import Decision, apply_text
from delegates.tutor import NAME as TUTOR
from models.reviewer import FEATURES, LARGEST_WEIGHT, Reviewer, WrittenText, fit
from state_adapter import Episode, Transition

LEAST_RATIO = 1e-6
"""Of what a reviewer would never do."""


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
        """The texts of recorded sessions whose writer is known, and which the person has replied to.

        Without those of the tutor, who knows the solution: what is kept of them tells nothing of other writers.
        """
        rows = [row for episode in episodes for row in _rows(episode)]
        features = np.array([features for features, _, _ in rows], dtype=float).reshape(len(rows), len(FEATURES))
        shares, weights = np.array([(share, weight) for _, share, weight in rows], dtype=float).reshape(-1, 2).T
        return cls(features, shares, weights)

    def __len__(self) -> int:
        return len(self.shares)

    def fit(self) -> tuple[float, ...]:
        """The reviewer's coefficients for this person, held to the start."""
        return fit(self.features, self.shares, self.weights)


def log_review_ratio(transition: Transition, reviewer: Reviewer) -> float:
    """Log of a ratio: how probable `reviewer` would do with the text what was done, show it or hold it back, over how
    probable that was when it was recorded; at least log `LEAST_RATIO`.

    0 where no reviewer drew: there is no text, no review with its probability, or a client asked for the decision.
    """
    action, review = transition.action, transition.action.review
    recorded = None if review is None else review.shown_probability
    is_asked_for = recorded == 1.0 and action.probability is None
    text = None if recorded is None or is_asked_for else written_text(transition)
    if recorded is None or text is None:
        return 0.0
    current = reviewer.shown_probability(reviewer.kept(text))
    if action.withheld is not None:
        recorded, current = 1.0 - recorded, 1.0 - current
    return math.log(max(current / recorded, LEAST_RATIO)) if recorded > 0.0 else 0.0


def written_text(transition: Transition) -> WrittenText | None:
    """The text that the assistant wrote, shown or held back, as a reviewer sees it; None: there is none."""
    action, state, lines = transition.action, transition.state, transition.next.lines
    if (withheld := action.withheld) is not None:
        action = replace(action, decision=withheld.decision, line=withheld.line)
    if action.decision is Decision.NO_OP or not 0 <= action.line < len(state):
        return None
    if withheld is not None:
        column = state.cursor.char if state.cursor.line == action.line else None
        lines = tuple(apply_text(state.lines, action.decision, action.line, withheld.text, column))
    mean_log_prob = None if action.writer is None else action.writer.mean_log_prob
    return None if lines == state.lines else WrittenText.of(state, lines, action, mean_log_prob)


def _rows(episode: Episode) -> Iterator[tuple[tuple[float, ...], float, float]]:
    for transition in episode.transitions("A"):
        writer = transition.action.writer
        if writer is None or writer.name == TUTOR or transition.action.withheld is not None:
            continue
        text, retained = written_text(transition), rewards.retention(transition).retained
        if text is not None and retained is not None:
            yield text.features(), retained, _weight(transition)


def _weight(transition: Transition) -> float:
    review = transition.action.review
    probability = None if review is None else review.shown_probability
    return 1.0 if probability is None else min(1.0 / max(probability, 1e-9), LARGEST_WEIGHT)
