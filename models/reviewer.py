"""Whether a written text is shown: a logistic estimate of the share that will be kept, against a threshold.

It judges what the policy cannot know: the text, and how sure its writer was. It begins with fixed coefficients and is
refitted on a person's sessions, held to where it began. Not here: the decision, the text, which texts are learned from
(`training.data.reviewed_texts`).
"""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray

from actions import Action, Decision, Review
from alignment import common_prefix, strip_line_end
from comments import is_comment
from config import RewardWeights, ServeConfig
from delegates import Completion
from delegates.syntax import parses
from errors import InputError, NotFoundError
from files import atomic_write, read_regular_file
from indentation import indentation
from models.generations import REVIEWER
from rewards import review_threshold
from state import State

FILE = REVIEWER
"""The refitted coefficients, beside the models."""

FORMAT = 1

FEATURES = (
    "bias", "mean_log_prob", "no_log_prob", "characters", "lines", "starts_with_line_end", "blank", "comment",
    "parses", "policy_logit",
)  # fmt: skip
"""Inputs of the estimate, in order."""

START: tuple[float, ...] = (-0.9, 1.9, 0.0, 0.25, 0.25, 0.4, -0.55, -0.45, 0.85, 0.5)
"""Coefficients while nothing is known of the person: fitted on other people (`benchmarks.reviewer`), rounded, but for
`no_log_prob` and `policy_logit`, of which those say nothing."""

SHRINKAGE = 10.0
"""Texts that each starting coefficient counts for, beside a person's own."""

USUAL_LOG_PROB = -0.35
"""Mean log-probability at which its input is 0, as it is where no log-probability is known."""

LEAST_LOG_PROB = -3.0
"""Mean log-probability below which a writer's doubt counts no more."""

USUAL_KEPT = 0.4
"""The policy's p(kept) at which its input is 0, as it is where the policy says none."""

LARGEST_WEIGHT = 20.0
"""Of a text that was shown by exploration: one over the probability with which it was."""


@dataclass(frozen=True, slots=True)
class WrittenText:
    """A text and where it was written.

    text: what was added, line ends as `\\n`. before: what stood left of it on its line; of a text that replaces its
    line or stands above it, the line. continues: whether the text goes on from `before`. mean_log_prob: of the writer's
    tokens; policy_kept: the policy's p(kept); None: unknown.
    """

    text: str
    before: str = ""
    continues: bool = True
    mean_log_prob: float | None = None
    policy_kept: float | None = None

    @classmethod
    def of(cls, state: State, after: Sequence[str], action: Action, mean_log_prob: float | None) -> WrittenText:
        """What `action` wrote on `state`, so that these lines came after it."""
        lines = [strip_line_end(line) for line in state.lines]
        added, old = _added_lines(lines, after), lines[action.line]
        continues = action.decision is Decision.FILL_PARTIAL_LINE
        if continues and len(added) == 1:
            start = common_prefix(old, added[0])
            end = common_prefix(old[start:][::-1], added[0][start:][::-1])
            added, old = [added[0][start : len(added[0]) - end]], old[:start]
        return cls("\n".join(added), old, continues, mean_log_prob, action.kept)

    def features(self) -> tuple[float, ...]:
        """The inputs `(len(FEATURES),)`."""
        mean = USUAL_LOG_PROB if self.mean_log_prob is None else max(self.mean_log_prob, LEAST_LOG_PROB)
        policy_kept = USUAL_KEPT if self.policy_kept is None else min(max(self.policy_kept, 0.01), 0.99)
        block = self.before + self.text if self.continues else self.text
        return (
            1.0,
            mean - USUAL_LOG_PROB,
            float(self.mean_log_prob is None),
            math.log1p(len(self.text)) - 3.0,
            math.log1p(self.text.count("\n")),
            float(self.text.startswith("\n")),
            float(not self.before.strip()),
            float(is_comment(block.lstrip("\n"))),
            float(_parses(block)),
            _logit(policy_kept) - _logit(USUAL_KEPT),
        )


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Estimates p(kept) and decides.

    threshold: least p(kept) that is shown. exploration: share of the texts below it that are shown all the same.
    """

    coefficients: tuple[float, ...] = START
    threshold: float = 0.4
    exploration: float = 0.05

    @classmethod
    def with_settings(cls, coefficients: tuple[float, ...], serve: ServeConfig, weights: RewardWeights) -> Reviewer:
        """With the threshold and the exploration that serve."""
        return cls(coefficients, review_threshold(serve, weights), serve.review_exploration)

    @classmethod
    def load(cls, folder: Path, serve: ServeConfig, weights: RewardWeights) -> Reviewer:
        """The reviewer that serves beside the models of a folder; where its file is damaged, that of the start."""
        try:
            coefficients, _ = load_coefficients(folder)
        except InputError:
            coefficients = START
        return cls.with_settings(coefficients, serve, weights)

    def review(
        self, state: State, after: Sequence[str], action: Action, completion: Completion, generator: Random
    ) -> Review:
        """What to do with a text that `action` put into the file of `state`, so that it has the lines `after`.

        Below the threshold it is drawn whether to show it.
        """
        estimate = self.kept(WrittenText.of(state, after, action, completion.mean_log_prob))
        is_above, probability = estimate >= self.threshold, self.shown_probability(estimate)
        explored = not is_above and generator.random() < probability
        return Review(estimate, self.threshold, probability, is_above or explored, explored)

    def shown_probability(self, estimate: float) -> float:
        """With which a text of this p(kept) is shown."""
        return 1.0 if estimate >= self.threshold else self.exploration

    def kept(self, text: WrittenText) -> float:
        """Estimated share of the text that will be kept."""
        return float(estimates(self.coefficients, np.array([text.features()]))[0])

    def kept_of_completion(self, completion: Completion, before: str = "", *, continues: bool = False) -> float:
        """Estimated share of a writer's text that will be kept, where the policy says nothing.

        before, continues: as of `WrittenText`.
        """
        return self.kept(WrittenText(completion.text, before, continues, completion.mean_log_prob))


def estimates(coefficients: Sequence[float], features: NDArray[np.float64]) -> NDArray[np.float64]:
    """p(kept) `(N,)` of features `(N, F)`."""
    logits = features @ np.array(coefficients)
    probabilities: NDArray[np.float64] = 0.5 + 0.5 * np.tanh(0.5 * logits)
    return probabilities


def fit(
    features: NDArray[np.float64],
    shares: NDArray[np.float64],
    weights: NDArray[np.float64] | None = None,
    *,
    start: Sequence[float] = START,
    shrinkage: float = SHRINKAGE,
) -> tuple[float, ...]:
    """The coefficients that explain the shares kept best, held to `start`: Newton's method on the log-loss.

    features `(N, F)`; shares, weights `(N,)`: the share of each text that was kept, and how much it counts. shrinkage:
    the weight of half the squared distance to `start`. Also of no texts.
    """
    target, weights = np.array(start, dtype=float), np.ones(len(shares)) if weights is None else weights
    coefficients = target.copy()

    def loss(at: NDArray[np.float64]) -> float:
        logits = features @ at
        log_losses = np.logaddexp(0.0, logits) - shares * logits
        return float(weights @ log_losses + 0.5 * shrinkage * ((at - target) ** 2).sum())

    for _ in range(50):
        probabilities = estimates(coefficients.tolist(), features)
        gradient = features.T @ (weights * (probabilities - shares)) + shrinkage * (coefficients - target)
        curvature = (features.T * (weights * probabilities * (1.0 - probabilities))) @ features
        step = np.linalg.solve(curvature + shrinkage * np.eye(len(target)), gradient)
        scale = 1.0
        while loss(coefficients - scale * step) > loss(coefficients) and scale > 1e-6:
            scale /= 2.0
        coefficients = coefficients - scale * step
        if np.abs(step).max() < 1e-9:
            break
    return tuple(coefficients.tolist())


def save_coefficients(folder: Path, coefficients: Sequence[float], texts: int) -> None:
    """Writes coefficients beside models, whole or not at all.

    texts: of the person, that they learned from. Raises InputError: the disk refuses.
    """
    atomic_write(folder / FILE, encode_coefficients(coefficients, texts))


def encode_coefficients(coefficients: Sequence[float], texts: int) -> bytes:
    """The content of the file. texts: of the person, that they learned from; 0: they are those of the start."""
    named = dict(zip(FEATURES, coefficients, strict=True))
    return json.dumps({"format": FORMAT, "coefficients": named, "texts": texts}, indent=2).encode("ascii")


def load_coefficients(folder: Path) -> tuple[tuple[float, ...], int]:
    """The coefficients in a folder and how many of the person's texts they learned from; without any, the start.

    Raises InputError: the file is damaged, or of a newer version.
    """
    path = folder / FILE
    try:
        content = json.loads(read_regular_file(path))
        if content["format"] != FORMAT or set(content["coefficients"]) != set(FEATURES):
            raise ValueError("it is of another version")
        coefficients = tuple(float(content["coefficients"][name]) for name in FEATURES)
        if not all(map(math.isfinite, coefficients)):
            raise ValueError("a coefficient is no finite number")
        texts = int(content["texts"])
        return (coefficients, texts) if texts else (START, 0)
    except NotFoundError:
        return START, 0
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(str(path), f"is no reviewer that can be used ({error}); delete it to begin anew") from error


def _added_lines(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """The lines of `after` between those that both begin and end with."""
    shorter = min(len(before), len(after))
    start = next((i for i in range(shorter) if before[i] != after[i]), shorter)
    limit = shorter - start
    end = next((i for i in range(limit) if before[-1 - i] != after[-1 - i]), limit)
    return list(after[start : len(after) - end])


def _logit(share: float) -> float:
    return math.log(share / (1.0 - share))


def _parses(block: str) -> bool:
    """Whether lines of code, whatever their indentation, are Python by themselves."""
    code = textwrap.dedent(block.strip("\n")).rstrip()
    if code.endswith(":"):
        last = code.rsplit("\n", 1)[-1]
        code = f"{code}\n{indentation(last)} pass"
    return parses(code)
