"""Whether a written text is shown: a logistic estimate of the share that will be kept, against a threshold.

It judges what the policy cannot know: the text, and how sure its writer was. Not here: the decision, the text.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from actions import Action, Review
from config import RewardWeights
from delegates import Completion
from state import State

FEATURES = (
    "bias", "mean_log_prob", "no_log_prob", "characters", "lines", "starts_with_line_end", "blank", "comment",
    "parses", "policy_logit",
)  # fmt: skip
"""Inputs of the estimate, in order."""

START = (0.0, 0.9, -0.3, -0.15, -0.2, -0.5, -2.0, -0.2, 0.3, 0.5)
"""Coefficients while nothing is known of the person."""


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Estimates p(kept) and decides.

    threshold: least p(kept) that is shown. exploration: share of the texts below it that are shown all the same.
    """

    coefficients: tuple[float, ...] = START
    threshold: float = 0.3
    exploration: float = 0.05

    def review(self, state: State, action: Action, completion: Completion, generator: Random) -> Review:
        """What to do with the text of `completion`, which carries out `action` on `state`."""
        kept = self.kept(completion, action.kept)
        above = kept >= self.threshold
        explored = not above and generator.random() < self.exploration
        return Review(kept, self.threshold, 1.0 if above else self.exploration, above or explored, explored)

    def kept(self, completion: Completion, policy_kept: float | None) -> float:
        """Estimated share of the text that will be kept."""
        logit = sum(w * x for w, x in zip(self.coefficients, features(completion, policy_kept), strict=True))
        return 0.5 + 0.5 * math.tanh(0.5 * logit)


def break_even(weights: RewardWeights) -> float:
    """Share kept from which a text is worth more than silence: what stays gains, what goes costs (`rewards`)."""
    gain = weights.retain_reward + weights.survival_reward
    return (weights.noop_bonus - weights.undo_penalty) / (gain - weights.undo_penalty)


def features(completion: Completion, policy_kept: float | None) -> tuple[float, ...]:
    """The inputs `(len(FEATURES),)`."""
    text, mean = completion.text, completion.mean_log_prob
    kept = 0.5 if policy_kept is None else min(max(policy_kept, 0.01), 0.99)
    return (
        1.0,
        0.0 if mean is None else max(mean, -5.0) + 1.0,
        float(mean is None),
        math.log1p(len(text)) - 3.0,
        math.log1p(text.count("\n")),
        float(text.startswith("\n")),
        float(not text.strip()),
        float(text.lstrip().startswith("#")),
        float(_parses(text.splitlines())),
        math.log(kept / (1.0 - kept)),
    )


def _parses(lines: Sequence[str]) -> bool:
    try:
        ast.parse("if 1:\n" + "\n".join(f" {line}" for line in lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
