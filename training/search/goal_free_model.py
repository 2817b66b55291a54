"""The game as a search imagines it: what networks expect of people and of writers, and nothing that a goal says.

In a game that is played, the person and whoever writes the assistant's text know the goal; what they do tells of it.
So neither is asked here. What the assistant would write is a stand-in, taken from the file itself; it is kept with the
probability that the policy's p(kept) gives; the person then does what the human's network expects, which sees states
alone. Rewards are expectations of the parts that hang on this: keeping, undoing, surviving, NO-OPs. Compiling and tests
count nothing, as they would judge stand-ins.

A leaf's value is made of the same expectations. The value head is not asked: learned from recordings, it says above all
how much of a session is left, and a file that has grown seems to be nearer to its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random

import numpy as np

from actions import Decision, apply
from config import N_DECISIONS, RewardWeights, SearchConfig
from rewards import noop_shaping
from simulation.acceptance import EXPLAINS, revert_lines
from simulation.goal import Goal
from simulation.person import HumanPolicy, PairProbabilities, Turn
from state import HISTORY_LENGTH, PastDecision, State, noop_streak
from state_adapter import Action
from training.search.interfaces import NO_OP, Evaluation, Evaluator, Floats, Ints
from training.search.pikl import softmax

UNDO = 0
"""The reply that takes back what was written. Reply 1 + d: it stays, and the human takes decision d."""
REPLIES = 1 + N_DECISIONS

LEAST = 1e-6
"""p(kept) is at least this far from 0 and 1: no network knows a person that well."""

INVERSE_TEMPERATURE = 4.0
"""How strongly a policy that is improved by one step prefers a decision that brings 1 more: its logit's gain."""

DISCOUNT = 0.7
"""Per decision, for searches of files: what comes after about three more decisions is hardly told from noise."""

NOBODYS = Goal(())

COMMENT = "see below"


@dataclass(slots=True, eq=False)
class SearchState:
    """A state of the tree. kept: p(kept) of each candidate (decision, line), noted when the state is evaluated."""

    state: State
    kept: dict[tuple[int, int], float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Afterstate:
    """The assistant has taken `move` on `before`.

    kept: probability that what it wrote is kept, None: it wrote nothing. human: the human's distribution over pairs
    (7, lines) at `state`.
    """

    before: State
    state: State
    move: Action
    kept: float | None
    human: PairProbabilities


class GoalFreeModel:
    """Evaluator and dynamics of a search of files; one object, as p(kept) comes with an evaluation.

    evaluator: the assistant's policy, which says p(kept) too. human: the human's, which sees no goal. survives: share
    of what was kept that still stands at a session's end.
    """

    def __init__(
        self, evaluator: Evaluator[State], human: HumanPolicy, weights: RewardWeights, config: SearchConfig,
        *, survives: float = 0.9,
    ) -> None:  # fmt: skip
        if config.replies < REPLIES:
            raise ValueError(f"a search of files needs {REPLIES} replies, not {config.replies}")
        self.evaluator, self.human, self.weights, self.replies = evaluator, human, weights, config.replies
        if not 0 <= config.discount < 1:
            raise ValueError(f"values of files add up rewards without end, so a discount of {config.discount} is none")
        self.config = config
        survival = weights.survival_reward * survives + weights.extinction_penalty * (1 - survives)
        self.if_kept, self.if_undone = weights.retain_reward + survival, weights.undo_penalty

    def evaluate(self, states: Sequence[SearchState]) -> Evaluation:
        """See `Evaluator`."""
        evaluation = self.evaluator.evaluate([one.state for one in states])
        assert evaluation.kept is not None
        for one, pairs, shares in zip(states, evaluation.pairs.tolist(), evaluation.kept.tolist(), strict=True):
            one.kept = dict(zip(map(tuple, pairs), shares, strict=True))
        rewards = self.rewards(states, evaluation.kept)
        return replace(evaluation, value=self._value(evaluation.log_probs, rewards))

    def step(self, states: Sequence[SearchState], pairs: Ints) -> tuple[list[Afterstate], Floats]:
        """See `Dynamics`. The reward is what the decision is expected to bring, whatever the reply."""
        moves = [Action("A", Decision(decision), line, recorded=True) for decision, line in pairs.tolist()]
        after = [_decided(one.state, move) for one, move in zip(states, moves, strict=True)]
        human = self.human.pairs(after)
        found, rewards = [], np.empty(len(states))
        for i, (one, move) in enumerate(zip(states, moves, strict=True)):
            kept = None
            if after[i].lines != one.state.lines:
                kept = min(max(one.kept[int(move.decision), move.line], LEAST), 1 - LEAST)
            found.append(Afterstate(one.state, after[i], move, kept, human[i]))
            rewards[i] = self._expected(one.state, kept)
        return found, rewards

    def rewards(self, states: Sequence[SearchState], kept: Floats) -> Floats:
        """What each candidate is expected to bring `(B, K)`, by its p(kept) `(B, K)`."""
        rewards = self._if_written(kept)
        rewards[:, NO_OP] = [noop_shaping(noop_streak(one.state), self.weights) for one in states]
        return rewards

    def _value(self, log_probs: Floats, rewards: Floats) -> Floats:
        """Expected return `(B,)`, if every decision from here on brought what the next one is expected to.

        log_probs, rewards `(B, K)`: the policy's, which decides a little better than it does now, as one that searches.
        """
        improved = softmax(log_probs + INVERSE_TEMPERATURE * rewards)
        value: Floats = (improved * rewards).sum(axis=1) / (1 - self.config.discount)
        return value

    def _expected(self, state: State, kept: float | None) -> float:
        return (
            noop_shaping(noop_streak(state), self.weights) if kept is None else float(self._if_written(np.array(kept)))
        )

    def _if_written(self, kept: Floats) -> Floats:
        return kept * self.if_kept + (1 - kept) * self.if_undone

    def reply_log_probs(self, afterstates: Sequence[Afterstate]) -> Floats:
        """See `Dynamics`: undoing with 1 - p(kept), else the human's decisions in their proportions."""
        kept = np.array([1.0 if one.kept is None else one.kept for one in afterstates])
        decisions = np.stack([one.human.sum(axis=1) for one in afterstates])
        probs = np.zeros((len(afterstates), self.replies))
        probs[:, UNDO] = 1 - kept
        probs[:, 1:REPLIES] = kept[:, None] * decisions / decisions.sum(axis=1, keepdims=True)
        with np.errstate(divide="ignore"):
            log_probs: Floats = np.log(probs)
        return log_probs

    def reply(self, afterstates: Sequence[Afterstate], replies: Ints, seeds: Ints) -> tuple[list[SearchState], Floats]:
        """See `Dynamics`. Replies bring no reward: `step` has counted what is expected of them."""
        drawn = zip(afterstates, replies.tolist(), seeds.tolist(), strict=True)
        states = [SearchState(_replied(after, reply, Random(seed))) for after, reply, seed in drawn]
        return states, np.zeros(len(replies))


def placeholder_text(state: State, decision: Decision, line: int) -> str:
    """Text for a decision, when nobody knows the text: the nearest other line of code, above rather than below."""
    if decision in EXPLAINS:
        return COMMENT
    own = state.lines[line].strip()
    nearest = (*reversed(state.lines[:line]), *state.lines[line + 1 :])
    texts = (text for text in map(str.strip, nearest) if text and text != own)
    return next(texts, "pass" if own != "pass" else "return")


def _decided(state: State, move: Action) -> State:
    """The state after the assistant's move, with its history."""
    text = "" if move.decision is Decision.NO_OP else placeholder_text(state, move.decision, move.line)
    after = apply(state, move.decision, move.line, text, by="A", t=state.t + 1)
    past = (*(state.history or ()), PastDecision(state.t, int(move.decision), None))[-HISTORY_LENGTH:]
    return replace(after, history=past)


def _replied(after: Afterstate, reply: int, generator: Random) -> State:
    """The state after the human's reply, with what it says of the decision before."""
    state = after.state
    if reply == UNDO:
        replied = revert_lines(Turn(state, NOBODYS, after.before, after.move), (), everything=True)
    else:
        replied = _acted(state, Decision(reply - 1), after.human, generator)
    if after.kept is None or state.history is None:
        return replied
    known = replace(state.history[-1], kept=float(reply != UNDO))
    return replace(replied, history=(*state.history[:-1], known))


def _acted(state: State, decision: Decision, human: PairProbabilities, generator: Random) -> State:
    """The human's decision at a line drawn from their distribution, carried out with a stand-in."""
    weights = human[decision].tolist()
    if decision is Decision.NO_OP or not state.lines or sum(weights) <= 0:
        return apply(state, Decision.NO_OP, -1, "", by="H", t=state.t + 1)
    line = generator.choices(range(len(weights)), weights)[0]
    return apply(state, decision, line, placeholder_text(state, decision, line), by="H", t=state.t + 1)
