"""States to decisions, each with the record of how it came about.

A single state is a batch of one. With how many threads a decision is computed is the process's business
(`cpu_load.set_compute_threads`). Not here: the network, the text that carries a decision out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from actions import Action, Decision
from config import FeaturizerConfig, ModelConfig
from errors import InputError
from featurizers import Featurizer
from models import ForwardBatch, Head, Models, Policy, QuietPolicy, forward_states, store
from models.action_distribution import NO_OP
from models.sampling import TOP_K, SamplingRule, Strategy
from state import State

BASELINE = Path(__file__).resolve().parent / "baseline"
"""Folder of the packaged models, which need not exist."""


@dataclass(frozen=True, slots=True)
class ScoredAction:
    """A decision at a line (the file's own number, -1 for NO-OP) and its probability under the policy."""

    decision: int
    line: int
    probability: float


@dataclass(frozen=True, slots=True, eq=False)
class DecisionRecord:
    """One decision with its probabilities and the network outputs behind it.

    action: what to carry out and to record with the session; its probabilities are those of this call (strategy,
    temperature, epsilon and top_k included), its `policy_probability` that of the pair under the policy itself.
    decision_probability: of the decision under the policy itself.
    legal: always, unless the policy is a human's. h: lines that the network saw.
    decision_logits `(7,)`: pooled over the legal lines, -inf where legal nowhere. first_line: the file's line that the
    network's first one is. pair_log_probs, scores `(7, L)`: of the first `h` lines, which are those that it saw.
    """

    action: Action
    decision_probability: float
    legal: bool
    h: int
    first_line: int
    decision_logits: NDArray[np.float32]
    pair_log_probs: NDArray[np.float32]
    scores: NDArray[np.float32]

    @property
    def decision(self) -> int:
        """Index of the decision, 0..6."""
        return int(self.action.decision)

    @property
    def line(self) -> int:
        """Line of the decision in the file's own numbers; -1: none (NO-OP)."""
        return self.action.line

    @property
    def probability(self) -> float:
        """Probability of the pair (decision, line) under the policy itself."""
        return self.action.policy_probability or 0.0

    @property
    def behaviour_probability(self) -> float:
        """Probability with which this call takes the pair, given strategy, temperature, epsilon and top_k."""
        return self.action.probability or 0.0

    @property
    def value(self) -> float:
        """Expected return."""
        return self.action.value or 0.0

    @property
    def kept(self) -> float | None:
        """Estimated share that will be kept; None: NO-OP, or the model has no such head."""
        return self.action.kept

    @property
    def model(self) -> str:
        """The model's file, `baseline` or `untrained`."""
        return self.action.model or ""

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
        """The object that `infer_action` prints (strict JSON: None stands for an illegal line or decision)."""
        debug = {
            "action_logits": [None if logit == -np.inf else logit for logit in self.decision_logits.tolist()],
            "line_logits_for_action": self.line_logits(),
            "h": self.h,
            "first_line": self.first_line,
            "model": self.model,
        }
        return {"action_idx": self.decision, "line_idx": self.line, "debug": debug}


def open_models(pv_dir: Path | None, device: torch.device | str = "cpu", *, seed: int = 0) -> Models:
    """The models in `pv_dir`, else the packaged baseline, else `untrained_models`. Raises InputError.

    Models that learned from nothing (`trained_on`) answer as untrained ones do.
    """
    models = None if pv_dir is None else store.load(pv_dir, device)
    if models is None and (baseline := store.load(BASELINE, device)) is not None:
        models = replace(baseline, source="baseline")
    if models is None or models.meta.get("trained_on") == "nothing":
        return untrained_models(device, seed=seed)
    return models


def untrained_models(
    device: torch.device | str = "cpu",
    *,
    seed: int = 0,
    model: ModelConfig | None = None,
    featurizer: FeaturizerConfig | None = None,
) -> Models:
    """Models that answer while nothing is known of the person: the assistant is `models.QuietPolicy`.

    Also the "before" of a comparison. The human's policy is a fresh network, as in `fresh_models`.
    """
    models = fresh_models(device, seed=seed, model=model, featurizer=featurizer)
    return replace(models, assistant=QuietPolicy().to(device).eval())


def fresh_models(
    device: torch.device | str = "cpu",
    *,
    seed: int = 0,
    model: ModelConfig | None = None,
    featurizer: FeaturizerConfig | None = None,
) -> Models:
    """Networks in eval mode with random weights, which follow from the seed alone; training begins with such."""
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
    must_help: bool = False,
    generator: torch.Generator | None = None,
    h_max: int | None = None,
) -> list[DecisionRecord]:
    """The agent's decision on each state; the human may decide anything anywhere.

    Raises InputError: an argument out of its range, or a network whose answers overflow.

    argmax: the most probable decision, then its most probable line (the first on a tie); with probability `epsilon` a
    pair is drawn from the distribution instead. sample: a pair drawn from it. sample_top_k: drawn among the `top_k`
    most probable pairs. The distribution is that over pairs; `temperature` divides the pairs' logits (their
    log-probabilities), so that what is drawn tends to the most probable pair as the temperature tends to 0.
    must_help: NO-OP is left out of all this where anything else is possible; recorded is the probability of the draw.
    h_max: lines that the network sees, by default the featurizer's.
    """
    rule = SamplingRule(strategy, top_k or TOP_K, temperature, epsilon, must_help)
    _check_range("top_k", top_k)
    _check_range("h_max", h_max)
    return _decide(states, models, rule, agent=agent, generator=generator, h_max=h_max)


def _check_range(name: str, number: int | None) -> None:
    if number is not None and number < 1:
        raise InputError(name, f"is {number}, expected at least 1")


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
    for batch in forward_states(policy, models.featurizer, states, heads=heads, legal_only=assistant, h_max=h_max):
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
        """Copies the outputs to the CPU. Raises InputError that names the source: one is not a finite number."""
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

    def _greedy(self, row: int, must_help: bool) -> int:
        """Flat index in `(7, L)` of the argmax, as `ActionDistribution.argmax` computes it (NumPy is faster here)."""
        pairs, logits = self.pair_log_probs[row], self.decision_logits[row]
        decision = int((_without_no_op(logits) if must_help else logits).argmax())
        return int(decision * pairs.shape[1] + pairs[decision].argmax())

    def record(self, row: int, rule: SamplingRule, generator: torch.Generator | None) -> DecisionRecord:
        """The decision on one state of the batch."""
        pairs, first_line = self.pair_log_probs[row], int(self.batch.first_line[row])
        possible = _without_no_op(pairs) if rule.must_help else pairs
        pair = rule.sample(possible, self._greedy(row, rule.must_help), generator)
        decision, place = divmod(pair.index, pairs.shape[1])
        acts = decision != NO_OP
        action = Action(
            agent="A" if self.batch.legal_only else "H",
            decision=Decision(decision),
            line=first_line + place if acts else -1,
            probability=pair.probability,
            decision_probability=pair.decision_probability,
            model=self.source,
            policy_probability=math.exp(pairs[decision, place]),
            value=self.values[row],
            kept=_sigmoid(self.kept_logits[row, decision, place]) if acts and self.kept_logits is not None else None,
        )
        return DecisionRecord(
            action=action,
            decision_probability=math.exp(self.decision_log_probs[row, decision]),
            legal=not acts or self.batch.legal_only or bool(self.batch.lines.legal[row, decision, place]),
            h=int(self.batch.lengths[row]),
            first_line=first_line,
            decision_logits=self.decision_logits[row],
            pair_log_probs=pairs,
            scores=self.scores[row],
        )


def _without_no_op(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scores by decision `(7, ...)` with NO-OP's at minus infinity, if anything else is possible."""
    help_scores = scores.copy()
    help_scores[NO_OP] = -np.inf
    return help_scores if np.isfinite(help_scores).any() else scores


def _sigmoid(logit: float) -> float:
    return 0.5 + 0.5 * math.tanh(0.5 * logit)
