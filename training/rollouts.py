"""Games played on from recorded states, many at once: one network call for all of them per turn.

The assistant samples from its policy, the human from the human policy; what they write is real text (`completer.py`),
so the states, attributions and rewards are those of a session. Not here: learning from the games.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random

import torch

import actions
from actions import Decision
from line_tracking import kept_share
from models import Policy
from state import HISTORY_LENGTH, Env, Past, State
from state_adapter import Agent, Episode, Move
from training.answers import joint_of
from training.batching import derived_seed
from training.completer import completion, human_turn
from training.policies import Policies


@dataclass(frozen=True)
class Root:
    """A recorded state on which the assistant is to decide, and the text that its session came to."""

    episode: Episode
    index: int

    @property
    def state(self) -> State:
        return self.episode.states[self.index]

    @property
    def goal(self) -> tuple[str, ...]:
        return self.episode.states[-1].lines


@dataclass
class _Game:
    root: Root
    rng: Random
    states: list[State]
    moves: list[Move | None] = field(default_factory=lambda: [None])


@dataclass(frozen=True)
class _Choice:
    """A sampled decision: line in the file (-1: none), probabilities of the pair and of the decision."""

    decision: Decision
    line: int
    probability: float
    decision_probability: float


def roots_of(episodes: Sequence[Episode]) -> list[Root]:
    """Every state on which the assistant decided; of a session without an assistant, where it could have."""
    roots = []
    for episode in episodes:
        indices = [transition.index for transition in episode.transitions("A")]
        indices = indices or [i for i, move in enumerate(episode.moves) if move is not None]
        roots += [Root(episode, index) for index in indices]
    return roots


def play(policies: Policies, roots: Sequence[Root], horizon: int, *, seed: int) -> list[Episode]:
    """One episode per root of at most `horizon` turns, the assistant's first; the probabilities are recorded."""
    sampler = torch.Generator().manual_seed(derived_seed(seed, "rollout"))
    games = [
        _Game(root, Random(derived_seed(seed, i)), [replace(root.state, undone=frozenset())])
        for i, root in enumerate(roots)
    ]
    for ply in range(horizon):
        agent: Agent = "H" if ply % 2 else "A"
        policy = policies.human if ply % 2 else policies.assistant
        choices = _choose(policy, policies, [game.states[-1] for game in games], sampler, bound=agent == "A")
        for game, choice in zip(games, choices, strict=True):
            _take(game, agent, choice)
    return [_episode(game, seed, i) for i, game in enumerate(games)]


@torch.no_grad()
def _choose(
    policy: Policy, policies: Policies, states: Sequence[State], sampler: torch.Generator, *, bound: bool
) -> list[_Choice]:
    policy.eval()
    featurizer = policies.featurizer.eval()
    encoded = featurizer.encode(states)
    lines = featurizer(encoded.batch(range(len(states)), next(policy.parameters()).device))
    output = policy(lines, {"action"})
    assert output.scores is not None
    joint = joint_of(policy, lines, output.scores, bound=bound)
    pairs = joint.pair_log_probs().double().exp().cpu()
    drawn = torch.multinomial(pairs.flatten(1), 1, generator=sampler).squeeze(1)
    choices = []
    for i, pair in enumerate(drawn.tolist()):
        decision, line = Decision(pair // pairs.shape[2]), pair % pairs.shape[2]
        at = -1 if decision is Decision.NO_OP else line + int(encoded.first_line[i])
        of_decision = float(joint.decision_log_probs[i, decision].exp())
        choices.append(_Choice(decision, at, min(float(pairs[i].flatten()[pair]), 1.0), min(of_decision, 1.0)))
    return choices


def _take(game: _Game, agent: Agent, choice: _Choice) -> None:
    """Adds the turn and the state that it leads to."""
    state, goal = game.states[-1], game.root.goal
    if agent == "A":
        text = ""
        if choice.decision is not Decision.NO_OP:
            text = completion(state, choice.decision, choice.line, goal, game.rng)
        following = actions.apply(state, choice.decision, choice.line, text, by="A", t=state.t + 1)
        past = None if state.history is None else (*state.history, Past(state.t, int(choice.decision), None))
        move = Move("A", choice.decision, choice.line, True, choice.probability, choice.decision_probability)
    else:
        before = game.states[-2] if len(game.states) > 1 else state
        following = human_turn(before, state, choice.decision, choice.line, goal=goal, rng=game.rng)
        past = state.history
        if past and game.moves[-1] is not None and game.moves[-1].decision is not Decision.NO_OP:
            past = (*past[:-1], replace(past[-1], kept=kept_share(before, state, following)))
        move = Move("H", choice.decision, choice.line, True)
    history = None if past is None else past[-HISTORY_LENGTH:]
    game.states.append(replace(following, env=Env(compiles(following.text)), history=history))
    game.moves.append(move)


def _episode(game: _Game, seed: int, number: int) -> Episode:
    root = game.root.episode
    name = f"{root.id}-{game.root.index}-{seed:x}-{number}"
    return Episode(name, root.source, root.problem_id, tuple(game.states), tuple(game.moves), cut_off=True)


def compiles(text: str) -> bool:
    """Whether Python's compiler accepts the text; it is never run."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "<state>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return False
    return True
