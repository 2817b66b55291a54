"""The game as a search simulates it: what networks expect of people and of writers, and nothing that a goal says.

In a game that is played, the person and whoever writes the assistant's text know the goal; what they do tells of it.
So neither is asked here. What the assistant would write is a placeholder, taken from the file itself; it is kept with
the probability that the policy's p(kept) gives; the person then does what the human's network expects, which sees
states alone. Rewards are expectations of the parts that depend on this: keeping, undoing, surviving, NO-OPs. Compiling
and tests count nothing, as they would judge placeholders.

A leaf's value is made of the same expectations. The value head is not asked: learned from recordings, it says above all
how much of a session is left, and a file that has grown seems to be nearer to its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

import numpy as np

from actions import EXPLAIN, Decision, apply
from config import N_DECISIONS, RewardWeights, SearchConfig
from rewards import noop_shaping
from simulation.acceptance import revert_all
from simulation.person import HumanPolicy, PairProbabilities
from state import State, history_after, noop_streak, with_reply
from state_adapter import Action
from training.search.interfaces import NO_OP, Evaluation, Evaluator, Floats, Ints
from training.search.numerics import softmax

UNDO = 0
"""The reply that takes back what was written. Reply 1 + d: it stays, and the human takes decision d."""
REPLIES = 1 + N_DECISIONS

MIN_KEPT_PROB = 1e-6
"""p(kept) is at least this far from 0 and 1: no network knows a person that well."""

INVERSE_TEMPERATURE = 4.0
"""How strongly a policy that is improved by one step prefers a decision that brings 1 more: its logit's gain."""

DISCOUNT = 0.7
"""Per decision, for searches of files: what comes after about three more decisions is hardly told from noise."""

COMMENT = "see below"
"""Placeholder for an explanation."""


@dataclass(frozen=True, slots=True, eq=False)
class Afterstate:
    """The assistant has taken `move` on `before`, which led to `state`.

    kept_prob: probability that what it wrote is kept, None: it wrote nothing. human: the human's distribution over
    pairs (7, lines) at `state`.
    """

    before: State
    state: State
    move: Action
    kept_prob: float | None
    human: PairProbabilities


class GoalFreeModel:
    """Evaluations and dynamics of files for a search; a `SearchModel` of states.

    evaluator: the assistant's policy, which predicts p(kept) too. human: the human's policy, which sees no goal.
    survival_rate: share of what was kept that still stands at a session's end.

    Raises ValueError if `config` allows fewer than `REPLIES` replies or a discount of 1 or more.
    """

    def __init__(
        self,
        evaluator: Evaluator[State],
        human: HumanPolicy,
        weights: RewardWeights,
        config: SearchConfig,
        *,
        survival_rate: float = 0.9,
    ) -> None:
        if config.replies < REPLIES:
            raise ValueError(f"a search of files needs {REPLIES} replies, not {config.replies}")
        if not 0 <= config.discount < 1:
            raise ValueError(f"values of files add up rewards without end, so a discount of {config.discount} is none")
        self.evaluator, self.human, self.weights, self.config = evaluator, human, weights, config
        survival = weights.survival_reward * survival_rate + weights.extinction_penalty * (1 - survival_rate)
        self.reward_if_kept = weights.retain_reward + survival
        self.reward_if_undone = weights.undo_penalty

    def evaluate(self, states: Sequence[State]) -> Evaluation:
        """The evaluator's candidates and p(kept), with the value that this model gives to the states."""
        evaluation = self.evaluator.evaluate(states)
        assert evaluation.kept_probs is not None
        rewards = self.expected_rewards(states, evaluation.kept_probs)
        return replace(evaluation, value=self._value(evaluation.log_probs, rewards))

    def step(self, states: Sequence[State], pairs: Ints, kept_probs: Floats) -> tuple[list[Afterstate], Floats]:
        """See `SearchModel`. The reward is what the decision is expected to bring, whatever the reply."""
        moves = [Action("A", Decision(decision), line, recorded=True) for decision, line in pairs.tolist()]
        after = [_assistant_moved(state, move) for state, move in zip(states, moves, strict=True)]
        wrote = [new.lines != old.lines for new, old in zip(after, states, strict=True)]
        bounded = np.clip(kept_probs, MIN_KEPT_PROB, 1 - MIN_KEPT_PROB).tolist()
        probs = [prob if changed else None for prob, changed in zip(bounded, wrote, strict=True)]
        rewards = [self._expected_reward(state, prob) for state, prob in zip(states, probs, strict=True)]
        fields = zip(states, after, moves, probs, self.human.pair_probabilities(after), strict=True)
        return [Afterstate(*values) for values in fields], np.array(rewards)

    def expected_rewards(self, states: Sequence[State], kept_probs: Floats) -> Floats:
        """What each candidate is expected to bring `(B, K)`, by its p(kept) `(B, K)`."""
        rewards = self._reward_if_written(kept_probs)
        rewards[:, NO_OP] = [noop_shaping(noop_streak(state), self.weights) for state in states]
        return rewards

    def _value(self, log_probs: Floats, rewards: Floats) -> Floats:
        """Expected return `(B,)`, if every decision from here on brought what the next one is expected to.

        log_probs, rewards `(B, K)`: the policy's, which decides a little better than it does now, as one that searches.
        """
        improved = softmax(log_probs + INVERSE_TEMPERATURE * rewards)
        value: Floats = (improved * rewards).sum(axis=1) / (1 - self.config.discount)
        return value

    def _expected_reward(self, state: State, kept_prob: float | None) -> float:
        if kept_prob is None:
            return noop_shaping(noop_streak(state), self.weights)
        return float(self._reward_if_written(np.array(kept_prob)))

    def _reward_if_written(self, kept_probs: Floats) -> Floats:
        return kept_probs * self.reward_if_kept + (1 - kept_probs) * self.reward_if_undone

    def reply_log_probs(self, afterstates: Sequence[Afterstate]) -> Floats:
        """See `SearchModel`: undoing with 1 - p(kept), else the human's decisions in their proportions."""
        kept_probs = np.array([1.0 if after.kept_prob is None else after.kept_prob for after in afterstates])
        decisions = np.stack([after.human.sum(axis=1) for after in afterstates])
        probs = np.zeros((len(afterstates), self.config.replies))
        probs[:, UNDO] = 1 - kept_probs
        probs[:, 1:REPLIES] = kept_probs[:, None] * decisions / decisions.sum(axis=1, keepdims=True)
        with np.errstate(divide="ignore"):
            log_probs: Floats = np.log(probs)
        return log_probs

    def reply(self, afterstates: Sequence[Afterstate], replies: Ints, seeds: Ints) -> tuple[list[State], Floats]:
        """See `SearchModel`. Replies bring no reward: `step` has counted what is expected of them."""
        draws = zip(afterstates, replies.tolist(), seeds.tolist(), strict=True)
        states = [_human_replied(after, reply, Random(seed)) for after, reply, seed in draws]
        return states, np.zeros(len(replies))


def placeholder_text(state: State, decision: Decision, line: int) -> str:
    """Text for a decision whose text nobody knows: the nearest other line of code, above rather than below."""
    if decision in EXPLAIN:
        return COMMENT
    current = state.lines[line].strip()
    nearest = (*reversed(state.lines[:line]), *state.lines[line + 1 :])
    texts = (text for text in map(str.strip, nearest) if text and text != current)
    return next(texts, "pass" if current != "pass" else "return")


def _assistant_moved(state: State, move: Action) -> State:
    """The state after the assistant's move, with its history."""
    text = "" if move.decision is Decision.NO_OP else placeholder_text(state, move.decision, move.line)
    after = apply(state, move.decision, move.line, text, by="A", t=state.t + 1)
    return replace(after, history=history_after(state.history, state.t, int(move.decision)))


def _human_replied(after: Afterstate, reply: int, generator: Random) -> State:
    """The state after the human's reply, whose history says whether the decision before it was kept."""
    state = after.state
    if reply == UNDO:
        replied = revert_all(after.before, state)
    else:
        replied = _human_acted(state, Decision(reply - 1), after.human, generator)
    if after.kept_prob is None or state.history is None:
        return replied
    return replace(replied, history=with_reply(state.history, float(reply != UNDO)))


def _human_acted(state: State, decision: Decision, human: PairProbabilities, generator: Random) -> State:
    """The human's decision at a line drawn from their distribution, carried out with a placeholder."""
    weights = human[decision].tolist()
    if decision is Decision.NO_OP or not state.lines or sum(weights) <= 0:
        return apply(state, Decision.NO_OP, -1, "", by="H", t=state.t + 1)
    line = generator.choices(range(len(weights)), weights)[0]
    return apply(state, decision, line, placeholder_text(state, decision, line), by="H", t=state.t + 1)
