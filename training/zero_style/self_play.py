"""Games that are played on from recorded states: from where, with whom, and by whom.

The person knows the goal of their session in hindsight, and so does whoever writes the assistant's text; the assistant
sees states alone. Not here: how a game goes (`simulation.rollout`), what a search assumes, learning from games.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

import numpy as np
import torch
from torch import Tensor

from actions import Action, Decision
from config import SearchConfig
from judge import SMALL_PROBLEM_LIMITS, Judge, Problem
from simulation.builtin_problems import BY_ID
from simulation.goal import Goal
from simulation.learned_person import LearnedPerson
from simulation.network_agents import NetworkPolicy
from simulation.oracle_writer import NoisyOracle
from simulation.person import Person
from simulation.person_fitting import PersonParameters
from simulation.rollout import Assistant, RolloutSpec, WriterFactory, run_rollouts
from state import State
from state_adapter import Episode
from training.data import goal_targets
from training.data.transitions import TransitionTable
from training.networks.training_networks import TrainingNetworks
from training.search import SearchRandomness, SearchResult, run_search
from training.search.goal_free_model import GoalFreeModel


@dataclass(frozen=True)
class Root:
    """A recorded state on which the assistant is to decide."""

    episode: Episode
    index: int


def roots_of(episodes: Sequence[Episode]) -> list[Root]:
    """Every state on which the assistant decided; of a session without an assistant, where it could have."""
    roots = []
    for episode in episodes:
        indices = [transition.index for transition in episode.transitions("A")]
        indices = indices or [i for i, move in enumerate(episode.actions) if move is not None and i >= episode.copied]
        roots += [Root(episode, index) for index in indices]
    return roots


def assistant_turns(plies: int) -> int:
    """The assistant's decisions in a game of so many plies: it begins, and the person has the last word."""
    return -(-plies // 2)


def learned_person(policies: TrainingNetworks, parameters: PersonParameters) -> LearnedPerson:
    """Whoever recorded the episodes: acts by the human's policy, keeps and types as their habits are."""
    policies.human.eval()
    policies.featurizer.eval()
    policy = NetworkPolicy(policies.human, policies.featurizer)
    return LearnedPerson("the person", policy, parameters.acceptance, parameters.typing_style)


def rollout_from_roots(
    roots: Sequence[Root], assistant: Assistant, person: Person, *, plies: int, seed: int,
    writers: WriterFactory | None = None, problems: Mapping[str, Problem] = BY_ID,
) -> list[Episode]:  # fmt: skip
    """A game from each root: real edits, judged as they are played. The same seed gives the same games.

    writers: who writes the assistant's text, by default a `NoisyOracle`. problems: those known, by id; games of other
    sessions are compiled only.
    """
    goals = {id(root.episode): goal_of(root.episode, problems) for root in roots}
    games = [
        RolloutSpec.from_episode(
            root.episode, root.index, person, f"{seed}/{i}/{root.episode.id}/{root.index}", goals[id(root.episode)]
        )
        for i, root in enumerate(roots)
    ]
    with Judge(SMALL_PROBLEM_LIMITS) as judge:
        return run_rollouts(games, assistant, writers or NoisyOracle(), judge, horizon=assistant_turns(plies))


def session_goals(roots: Sequence[Root], games: Sequence[Episode], steps: TransitionTable) -> Tensor:
    """Goal targets `(N, 8)` of the games' steps: from the sessions' last texts, not from those of the games."""
    goals = [goal_targets.FinalText.from_state(root.episode.states[-1]) for root in roots]
    first_index = np.cumsum([0] + [len(game.states) for game in games])
    vectors = []
    for index, game in zip(steps.state_index.tolist(), steps.episode.tolist(), strict=True):
        state = games[game].states[index - int(first_index[game])]
        vectors.append(goal_targets.goal_vector(state, goals[game]))
    return torch.from_numpy(np.stack(vectors))


def goal_of(episode: Episode, problems: Mapping[str, Problem]) -> Goal:
    """What the session's person was after, in hindsight: its last text, and its tests where the problem is known."""
    return Goal.from_episode(episode, problems.get(episode.problem_id or ""))


@dataclass
class SearchAssistant:
    """An assistant that searches before it decides; it is given states, so no goal can reach its search.

    explore: with Gumbel noise, as self-play needs it. searches: the result of each call of `decide`, in order.
    """

    model: GoalFreeModel
    config: SearchConfig
    explore: bool = True
    searches: list[SearchResult] = field(default_factory=list)

    def decide(self, states: Sequence[State], generators: Sequence[Random]) -> list[Action]:
        """See `Assistant`. The probability of what a search plays is not known, so none is recorded."""
        randomness = SearchRandomness.draw(
            [np.random.default_rng(generator.getrandbits(64)) for generator in generators],
            self.config,
            explore=self.explore,
        )
        result = run_search(states, self.model, self.config, randomness)
        self.searches.append(result)
        pairs = zip(result.decisions.tolist(), result.lines.tolist(), strict=True)
        return [Action("A", Decision(decision), line, model="search") for decision, line in pairs]
