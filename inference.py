"""States to decisions, each with the record of how it came about.

A single state is a batch of one. Not here: the network, the text that carries a decision out.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from config import FeaturizerConfig, ModelConfig
from errors import InputError
from featurizers import Featurizer
from models import ForwardBatch, Head, Models, Policy, forward, store
from models.action_distribution import NO_OP
from state import State

Strategy = Literal["argmax", "sample", "sample_top_k"]
STRATEGIES: tuple[Strategy, ...] = ("argmax", "sample", "sample_top_k")

TOP_K = 5
"""Pairs that `sample_top_k` draws among, and alternatives that a record names, unless it is told how many."""

BASELINE = Path(__file__).resolve().parent / "baseline"
"""Where a packaged model lies, if there is one."""


@dataclass(frozen=True, slots=True)
class ScoredAction:
    """A decision at a line (the file's own number, -1 for NO-OP) and its probability under the policy."""

    decision: int
    line: int
    probability: float


@dataclass(frozen=True, slots=True, eq=False)
class DecisionRecord:
    """What was decided, and what to log with it.

    decision 0..6; line in the file's own numbers, -1: none (NO-OP).
    probability: of the pair under the policy itself; decision_probability: of the decision.
    behaviour_probability: with which this call takes this pair, given strategy, temperature, epsilon and top_k.
    value: expected return; kept: estimated share that will be kept, None: NO-OP, or the model has no such head.
    model: file, `baseline` or `untrained`; legal: always, unless the policy is a human's.
    decision_logits `(7,)`: pooled over the legal lines, -inf where legal nowhere. first_line: the file's line that the
    network's first one is. pair_log_probs, scores `(7, L)`: of the first `h` lines, which are those that it saw.
    """

    decision: int
    line: int
    probability: float
    decision_probability: float
    behaviour_probability: float
    value: float
    kept: float | None
    model: str
    legal: bool
    h: int
    first_line: int
    decision_logits: NDArray[np.float32]
    pair_log_probs: NDArray[np.float32]
    scores: NDArray[np.float32]

    def alternatives(self, count: int = TOP_K) -> tuple[ScoredAction, ...]:
        """The most probable pairs, the best first; of equals the first."""
        flat, width = self.pair_log_probs.ravel(), self.pair_log_probs.shape[1]
        pairs = []
        for index in np.argsort(-flat, kind="stable")[:count].tolist():
            if flat[index] > -np.inf:
                decision, place = divmod(index, width)
                line = -1 if decision == NO_OP else self.first_line + place
                pairs.append(ScoredAction(decision, line, math.exp(flat[index])))
        return tuple(pairs)

    def line_logits(self) -> list[float | None]:
        """The head's own logits of the decision taken `(h,)`, None where it is illegal."""
        scores = self.scores[self.decision, : self.h].tolist()
        if self.decision == NO_OP:
            return list(scores)
        log_probs = self.pair_log_probs[self.decision, : self.h].tolist()
        return [None if log_prob == -np.inf else score for score, log_prob in zip(scores, log_probs, strict=True)]

    def as_dict(self) -> dict[str, Any]:
        """The record as plain values (strict JSON), without the logits."""
        return {
            "decision": self.decision,
            "line": self.line,
            "probability": self.probability,
            "decision_probability": self.decision_probability,
            "behaviour_probability": self.behaviour_probability,
            "value": self.value,
            "kept": self.kept,
            "model": self.model,
            "legal": self.legal,
            "alternatives": [asdict(pair) for pair in self.alternatives()],
        }

    def to_infer_action_json(self) -> dict[str, Any]:
        """What `infer_action` prints (strict JSON: None stands for an illegal line or decision)."""
        debug = {
            "action_logits": [None if logit == -np.inf else logit for logit in self.decision_logits.tolist()],
            "line_logits_for_action": self.line_logits(),
            "h": self.h,
            "first_line": self.first_line,
            "model": self.model,
        }
        return {"action_idx": self.decision, "line_idx": self.line, "debug": debug}


def open_models(pv_dir: Path | None, device: torch.device | str = "cpu", *, seed: int = 0) -> Models:
    """The models in `pv_dir`, else the packaged baseline, else untrained ones from the seed. Raises InputError."""
    models = None if pv_dir is None else store.load(pv_dir, device)
    if models is not None:
        return models
    baseline = store.load(BASELINE, device)
    return untrained(device, seed=seed) if baseline is None else replace(baseline, source="baseline")


def untrained(
    device: torch.device | str = "cpu",
    *,
    seed: int = 0,
    model: ModelConfig | None = None,
    featurizer: FeaturizerConfig | None = None,
) -> Models:
    """Models with fresh weights that depend on the seed alone, in eval mode."""
    config = model or ModelConfig()
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        features = Featurizer(featurizer or FeaturizerConfig(d_in=config.d_in)).to(device).eval()
        human, assistant = Policy(config).to(device).eval(), Policy(config).to(device).eval()
    return Models(human, assistant, features, {"trained_on": "nothing"}, "untrained")


def decide(
    states: Sequence[State],
    models: Models,
    *,
    agent: Literal["assistant", "human"] = "assistant",
    strategy: Strategy = "argmax",
    top_k: int | None = None,
    temperature: float = 1.0,
    epsilon: float = 0.0,
    generator: torch.Generator | None = None,
    h_max: int | None = None,
) -> list[DecisionRecord]:
    """The agent's decision on each state; the human may decide anything anywhere.

    Raises InputError: an argument out of its range, or a network whose answers overflow.

    argmax: the most probable pair (the first on a tie); with probability `epsilon` it is drawn from the distribution
    instead. sample: drawn from it. sample_top_k: drawn among the `top_k` most probable pairs. The distribution is
    that over pairs; `temperature` divides the pairs' logits (their log-probabilities), so that it tends to the most
    probable pair as the temperature tends to 0. h_max: lines that the network sees, by default the featurizer's.
    """
    if strategy not in STRATEGIES:
        raise InputError("strategy", f"{strategy!r} is none; there are {', '.join(STRATEGIES)}")
    if not 0.0 < temperature < float("inf"):
        raise InputError("temperature", f"is {temperature}, expected a number above 0")
    if not 0.0 <= epsilon <= 1.0:
        raise InputError("epsilon", f"is {epsilon}, expected a probability")
    for name, number in (("top_k", top_k), ("h_max", h_max)):
        if number is not None and number < 1:
            raise InputError(name, f"is {number}, expected at least 1")
    rule = SamplingRule(strategy, top_k or TOP_K, temperature, epsilon)
    threads = torch.get_num_threads()
    single = threads > 1 and crowded()
    try:
        if single:
            torch.set_num_threads(1)
        return _decide(states, models, rule, agent=agent, generator=generator, h_max=h_max)
    finally:
        if single:
            torch.set_num_threads(threads)


def crowded() -> bool:
    """Whether more processes want to run at this moment than there are cores (Linux; elsewhere: no).

    Threads that share a decision wait for one another after every small operation, by spinning. With a core each that
    is fastest; if one of them has to queue for its core, the others burn theirs until it comes round again, and a
    decision takes up to a hundred times as long. Then one thread is best.
    """
    if _LOAD is None:
        return False
    running = os.pread(_LOAD, 64, 0).split(b"/", 1)[0].rsplit(b" ", 1)[1]  # "0.20 0.18 0.12 1/80 11206"
    return int(running) > (os.cpu_count() or 1)


def _open_load() -> int | None:
    try:
        return os.open("/proc/loadavg", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None


_LOAD = _open_load()


@dataclass(frozen=True, slots=True)
class SamplingRule:
    """How one pair is taken from a distribution."""

    strategy: Strategy
    top_k: int
    temperature: float
    epsilon: float

    def sample(self, log_probs: NDArray[np.float32], generator: torch.Generator | None) -> tuple[int, float]:
        """Index of the pair taken from `log_probs` (n,), and the probability with which it is."""
        best = int(log_probs.argmax())
        greedy = self.strategy == "argmax"
        if greedy and self.epsilon == 0.0:
            return best, 1.0
        drawn, chance = torch.rand(2, generator=generator, dtype=torch.float64).tolist()
        weights = np.exp((log_probs - log_probs[best]).astype(np.float64) / self.temperature)
        if self.strategy == "sample_top_k" and self.top_k < len(weights):
            weights[np.argsort(-log_probs, kind="stable")[self.top_k :]] = 0.0
        sums = np.cumsum(weights)
        taken = min(int(np.searchsorted(sums, drawn * sums[-1], side="right")), int(np.flatnonzero(weights)[-1]))
        if not greedy:
            return taken, float(weights[taken] / sums[-1])
        if chance >= self.epsilon:
            taken = best
        return taken, float(self.epsilon * weights[taken] / sums[-1]) + (1.0 - self.epsilon) * (taken == best)


@torch.inference_mode()
def _decide(
    states: Sequence[State],
    models: Models,
    rule: SamplingRule,
    *,
    agent: Literal["assistant", "human"],
    generator: torch.Generator | None,
    h_max: int | None,
) -> list[DecisionRecord]:
    assistant = agent == "assistant"
    policy = models.assistant if assistant else models.human
    heads: tuple[Head, ...] = ("action", "value", "kept") if assistant else ("action", "value")
    places: list[tuple[_Arrays, int]] = []
    order: list[int] = []
    for batch in forward(policy, models.featurizer, states, heads=heads, legal_only=assistant, h_max=h_max):
        arrays = _Arrays.of(batch, models.source)
        places += [(arrays, row) for row in range(len(batch.index))]
        order += batch.index.tolist()
    by_state = sorted(zip(order, places, strict=True), key=lambda pair: pair[0])  # draws follow the states' order
    return [arrays.record(row, rule, generator) for _, (arrays, row) in by_state]


@dataclass(frozen=True, slots=True, eq=False)
class _Arrays:
    """Outputs of one batch as arrays; shapes as in `ForwardBatch` and `DecisionRecord`, with B in front."""

    source: str
    batch: ForwardBatch
    pair_log_probs: NDArray[np.float32]
    scores: NDArray[np.float32]
    decision_logits: NDArray[np.float32]
    decision_log_probs: NDArray[np.float32]
    values: list[float]
    kept_logits: NDArray[np.float32] | None

    @staticmethod
    def of(batch: ForwardBatch, source: str) -> _Arrays:
        """Raises InputError that names the source: an output is not a finite number."""
        output, distribution = batch.output, batch.distribution()
        arrays = _Arrays(
            source,
            batch,
            distribution.pair_log_probs().cpu().numpy(),
            output.scores.cpu().numpy(),
            distribution.decision_logits.cpu().numpy(),
            distribution.decision_log_probs.cpu().numpy(),
            output.value.tolist(),
            None if output.kept is None else output.kept.cpu().numpy(),
        )
        checked = (arrays.pair_log_probs, arrays.kept_logits)
        if not math.isfinite(sum(arrays.values)) or any(math.isnan(a.sum()) for a in checked if a is not None):
            raise InputError(source, "its weights, finite as they are, give answers that are no finite numbers")
        return arrays

    def record(self, row: int, rule: SamplingRule, generator: torch.Generator | None) -> DecisionRecord:
        """The decision on one state of the batch."""
        pairs, first_line = self.pair_log_probs[row], int(self.batch.first_line[row])
        index, behaviour = rule.sample(pairs.ravel(), generator)
        decision, place = divmod(index, pairs.shape[1])
        acts = decision != NO_OP
        kept = None if self.kept_logits is None or not acts else _sigmoid(self.kept_logits[row, decision, place])
        return DecisionRecord(
            decision=decision,
            line=first_line + place if acts else -1,
            probability=math.exp(pairs[decision, place]),
            decision_probability=math.exp(self.decision_log_probs[row, decision]),
            behaviour_probability=behaviour,
            value=self.values[row],
            kept=kept,
            model=self.source,
            legal=not acts or self.batch.legal_only or bool(self.batch.lines.legal[row, decision, place]),
            h=int(self.batch.lengths[row]),
            first_line=first_line,
            decision_logits=self.decision_logits[row],
            pair_log_probs=pairs,
            scores=self.scores[row],
        )


def _sigmoid(logit: float) -> float:
    return 0.5 + 0.5 * math.tanh(0.5 * logit)
