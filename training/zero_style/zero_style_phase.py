"""Zero-style self-play: the assistant searches, plays with the person that the sessions show, and learns from it.

An epoch plays on from some recorded states, a few plies each, in lockstep. Then the policy learns

    cross-entropy with what the searches found (with recorded decisions, weighted by their advantage, in every batch)
    + value_weight * squared error to the n-step returns + goal, next human decision and p(kept) as in cloning
    + start_anchor / sqrt(sessions) * KL(start || policy), start: the policy that the phase began with

from the games of the latest epochs. The weights are those of `PPOConfig`. Sources: Laidlaw et al. 2025, Scalably
Solving Assistance Games; Danihelka et al. 2022, Policy improvement by planning with Gumbel. Not here: how a game is
played (`self_play`), what a row teaches (`policy_targets`), the search.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from config import SearchConfig, TrainConfig
from judge import Problem
from simulation.builtin_problems import BY_ID
from simulation.network_agents import NetworkPolicy
from simulation.oracle_writer import TextWriter
from simulation.person import Person
from simulation.person_fitting import fit_person
from state_adapter import Episode
from training.data import transitions
from training.data.goal_targets import Goal, goal_vector
from training.data.seeds import derived_seed, generator
from training.data.transitions import Dataset, TransitionTable
from training.distributed.process_group import SINGLE_PROCESS, DistributedContext
from training.losses.anchors import anchor_weight
from training.losses.minibatch_loop import MinibatchLoop
from training.losses.optimizer import Optimizer
from training.losses.returns import value_scale
from training.losses.weighted_means import WeightedMean
from training.networks.predictions import action_distribution
from training.networks.training_networks import TrainingNetworks
from training.search import CachedEvaluator, SearchResult
from training.search.evaluator import PolicyEvaluator, observation
from training.search.goal_free_model import DISCOUNT, GoalFreeModel
from training.search.numerics import softmax
from training.zero_style.policy_targets import TargetBatch, losses, targets_from_recording, targets_from_self_play
from training.zero_style.self_play import (
    Root,
    SearchAssistant,
    assistant_turns,
    learned_person,
    rollout_from_roots,
    roots_of,
)

NAME = "zero_style"

PRIOR_SURVIVAL_RATE, PRIOR_SURVIVAL_COUNT = 0.9, 4.0
"""Share of what was kept that still stands at a session's end, before a session says so; decisions it counts for."""


class ZeroStylePhase:
    """The phase. An epoch is played anew after a kill, so nothing is saved inside it.

    episodes, data: all that was recorded, and the same as tensors. train: the episodes to learn from, indices.
    person: whom the assistant plays with; by default the one that these episodes show, as they show how good its text
    is. problems: those known, by id. record: is given the games that this process has played, an epoch's at a time.
    distributed: the processes that share the games and the minibatches of each epoch.

    games: ids of those that were learned from, of all processes.
    """

    name, saves_inside = NAME, False

    def __init__(
        self, policies: TrainingNetworks, episodes: Sequence[Episode], data: Dataset, train: Sequence[int],
        config: TrainConfig, *, person: Person | None = None, problems: Mapping[str, Problem] = BY_ID,
        record: Callable[[Sequence[Episode]], object] | None = None, distributed: DistributedContext = SINGLE_PROCESS,
    ) -> None:  # fmt: skip
        self.distributed = distributed
        self.policies, self.data, self.train, self.config, self.epoch = policies, data, sorted(train), config, 0
        policies.featurizer.freeze()
        self.episodes = [episodes[i] for i in self.train]
        self.roots = roots_of(self.episodes)
        self.person, self.problems, self.record = person, problems, record
        self.games: list[str] = []
        self.completer: TextWriter | None = None
        settings = config.zero_style
        self.search = SearchConfig(algorithm=settings.algorithm, simulations=settings.simulations, discount=DISCOUNT)
        self.optimizer = Optimizer.from_config(policies.assistant.parameters(), config.ppo, distributed)
        self.loop = MinibatchLoop(self.optimizer, self._loss, distributed)
        self.replay: deque[TargetBatch] = deque(maxlen=config.zero_style.replay)
        self.start_anchor = anchor_weight(config.ppo.start_anchor, len(self.train))
        self.rollout_metrics: dict[str, float] = {}

    @property
    def done(self) -> bool:
        settings = self.config.zero_style
        return self.epoch >= settings.epochs or not self.roots

    @property
    def total_steps(self) -> int:
        return (self.config.zero_style.epochs - self.epoch) * self._steps if self.roots else 0

    @property
    def _steps(self) -> int:
        """Minibatches of an epoch."""
        settings = self.config.zero_style
        decisions = min(settings.roots, len(self.roots)) * assistant_turns(settings.horizon)
        return math.ceil(settings.passes * decisions / (self.config.ppo.batch_size - self._recorded))

    @property
    def _recorded(self) -> int:
        """Recorded decisions in a minibatch, at most all but one."""
        size = self.config.ppo.batch_size
        return min(round(self.config.zero_style.recorded_share * size), size - 1)

    def begin(self) -> None:
        """Plays the epoch's games and lays out what is learned from them."""
        if self.epoch == 0:
            self.policies.initial_assistant.load_state_dict(self.policies.assistant.state_dict())
        if self.person is None or self.completer is None:
            parameters = fit_person(self.episodes, self.problems)
            self.person, self.completer = self.person or learned_person(self.policies, parameters), parameters.completer
        self.policies.assistant.eval()
        self.policies.initial_assistant.eval()
        self.replay.append(self._play(self.person, self.completer))
        searched = TargetBatch.concat(list(self.replay))
        recorded = self._recording()
        self.material = TargetBatch.concat([searched, recorded])
        self.value_scale = value_scale(searched.targets.returns)
        self.loop.reset()
        self.loop.begin(self._batches(len(searched.targets), len(recorded.targets)))

    def step(self) -> bool:
        """One minibatch; False if the epoch has none left."""
        return self.loop.step(self._minibatch_losses, f"{NAME}, epoch {self.epoch + 1}")

    def _minibatch_losses(self, minibatch: Tensor) -> dict[str, WeightedMean]:
        """Losses of this process's rows of a minibatch."""
        policies = self.policies
        device = next(policies.assistant.parameters()).device
        targets = self.material.targets.select(self.distributed.shard_rows(minibatch))
        with torch.no_grad():
            lines = policies.featurizer(self.material.encoded.batch(targets.row, device))
            scores = policies.initial_assistant(lines, {"action"}).scores
            start = action_distribution(policies.initial_assistant, lines, scores, legal_only=True).pair_log_probs()
        return losses(policies.assistant, lines, targets.to(device), self.value_scale, start)

    def _loss(self, parts: Mapping[str, Tensor]) -> Tensor:
        config = self.config.ppo
        return (
            parts["policy_loss"]
            + config.value_weight * parts["value_loss"]
            + config.human_weight * parts["next_human_loss"]
            + config.goal_weight * parts["goal_loss"]
            + config.kept_weight * parts["kept_loss"]
            + self.start_anchor * parts["kl_start"]
        )

    def finish(self) -> dict[str, float | str | None]:
        """Ends the epoch; returns the mean losses and how the games went."""
        self.epoch += 1
        replayed = float(sum(len(batch.targets) for batch in self.replay))
        return {"loss": 0.0, **self.loop.finish(), **self.rollout_metrics, "replayed": replayed}

    def close(self) -> str:
        """Nothing is left to do."""
        return ""

    def state_dict(self) -> dict[str, object]:
        replay = [material.state_dict() for material in self.replay]
        saved = {"epoch": self.epoch, "games": list(self.games), "replay": replay}
        return {**saved, "optimiser": self.optimizer.state_dict()}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        self.epoch, self.games = saved["epoch"], list(saved["games"])
        self.optimizer.load_state_dict(saved["optimiser"])
        self.replay.extend(TargetBatch.restored(material) for material in saved["replay"])

    def _play(self, person: Person, completer: TextWriter) -> TargetBatch:
        """Plays games from roots that the seed and the epoch choose; each process its share, and all get all games."""
        settings, seed = self.config.zero_style, self.config.seed
        number = self.config.games_before + self.epoch  # an epoch plays one game at least
        order = torch.randperm(len(self.roots), generator=generator(seed, NAME, number, "roots"))
        roots = self.distributed.shard([self.roots[i] for i in order[: settings.roots].tolist()])
        round_seed = derived_seed(seed, NAME, number, *self.distributed.seed_suffix)
        with self.distributed.errors_on_all_ranks():
            own = self._games(roots, person, completer, round_seed) if roots else None
        played = self.distributed.all_gather(own)
        there = [one for one in played if one is not None]
        self.games += [name for _, tally in there for name in tally.ids]
        self.rollout_metrics = _summary([tally for _, tally in there])
        return TargetBatch.concat([material for material, _ in there])

    def _games(
        self, roots: Sequence[Root], person: Person, completer: TextWriter, seed: int
    ) -> tuple[TargetBatch, RolloutStatistics]:
        settings, policies, assistant = self.config.zero_style, self.policies, self.assistant()
        games = rollout_from_roots(
            roots, assistant, person, plies=settings.horizon, seed=seed, completer=completer, problems=self.problems
        )
        if self.record is not None:
            self.record(games)
        data = transitions.build_dataset(games, policies.featurizer, self.config.rewards)
        steps = data.select_episodes(range(len(games)), is_human=False)
        goals = _goals(roots, games, data, steps)
        tested = [(root.episode.problem_id or "") in self.problems for root in roots]
        material = targets_from_self_play(
            data, goals, assistant.searches, policies, n_step=settings.n_step, discount=self.config.ppo.gamma
        )
        return material, _tally(steps, assistant.searches, tested, [game.id for game in games])

    def assistant(self) -> SearchAssistant:
        """Who plays the games: the policy as it is, searching."""
        policies, weights = self.policies, self.config.rewards
        human = NetworkPolicy(policies.human.eval(), policies.featurizer.eval())
        policy = PolicyEvaluator(policies.assistant, policies.featurizer, self.search)
        evaluator = CachedEvaluator(policy, observation)
        rate = survival_rate(self.data, self.data.select_episodes(self.train, is_human=False), weights.survival_reward)
        return SearchAssistant(GoalFreeModel(evaluator, human, weights, self.search, survival_rate=rate), self.search)

    def _recording(self) -> TargetBatch:
        """Recorded decisions for the epoch: whole episodes, as many as its minibatches need."""
        shuffle = generator(self.config.seed, NAME, self.epoch, "recorded")
        chosen, left = [], self._recorded * self._steps
        counts = torch.bincount(self.data.steps.episode[~self.data.steps.is_human], minlength=len(self.data.ids))
        for place in torch.randperm(len(self.train), generator=shuffle).tolist():
            if left > 0:
                chosen.append(self.train[place])
                left -= int(counts[self.train[place]])
        steps = self.data.select_episodes(chosen, is_human=False)
        candidates = self.search.candidates
        return targets_from_recording(
            self.data, steps, self.policies, self.config.ppo, candidates, distributed=self.distributed
        )

    def _batches(self, searched: int, recorded: int) -> list[Tensor]:
        """Rows of each minibatch: first those of games, then those recorded, which stand behind all games."""
        order = generator(self.config.seed, NAME, self.epoch, "order")
        size, share, count = self.config.ppo.batch_size, self._recorded if recorded else 0, self._steps
        games = _shuffled_passes(searched, (size - share) * count, order)
        sessions = searched + _shuffled_passes(recorded, share * count, order)
        return [torch.cat(rows) for rows in zip(games.chunk(count), sessions.view(count, -1), strict=True)]


def _shuffled_passes(rows: int, count: int, order: torch.Generator) -> Tensor:
    """`(count,)` of `rows` rows, each as often as any other, in random order round by round."""
    rounds = [torch.randperm(rows, generator=order) for _ in range(math.ceil(count / max(rows, 1)))]
    return torch.cat([torch.zeros(0, dtype=torch.int64), *rounds])[:count]


def survival_rate(data: Dataset, steps: TransitionTable, reward: float) -> float:
    """Share of what was kept at a reply that stands at the session's end, as `steps` show."""
    if "survival_reward" not in data.part_names or reward == 0:
        return PRIOR_SURVIVAL_RATE
    survived = steps.parts[:, data.part_names.index("survival_reward")][steps.retained.nan_to_num() > 0] / reward
    total = float(survived.sum()) + PRIOR_SURVIVAL_RATE * PRIOR_SURVIVAL_COUNT
    return min(total / (len(survived) + PRIOR_SURVIVAL_COUNT), 1.0)


def _goals(roots: Sequence[Root], games: Sequence[Episode], data: Dataset, steps: TransitionTable) -> Tensor:
    """Goal targets `(N, 8)`: the sessions' last texts, which the games knew, not what the games came to."""
    goals = [Goal.of(root.episode.states[-1]) for root in roots]
    firsts = np.cumsum([0] + [len(game.states) for game in games])
    found = []
    for row, game in zip(steps.state_index.tolist(), steps.episode.tolist(), strict=True):
        found.append(goal_vector(games[game].states[row - int(firsts[game])], goals[game]))
    return torch.from_numpy(np.stack(found))


@dataclass(frozen=True)
class RolloutStatistics:
    """How some games went. Of each: its id, its return, whether its tests are known. Of each decision: whether it was
    NO-OP, the share kept where known, what the search expects its policy to return beyond the prior. Simulations."""

    ids: Sequence[str]
    returns: Tensor
    tested: Tensor
    no_op: Tensor
    kept: Tensor
    gains: Tensor
    simulations: int


def _tally(
    steps: TransitionTable, found: Sequence[SearchResult], tested: Sequence[bool], ids: Sequence[str]
) -> RolloutStatistics:
    gains = [one.value - (softmax(one.prior_log_probs) * one.qvalues).sum(-1) for one in found]
    return RolloutStatistics(
        ids=ids,
        returns=torch.zeros(len(tested)).index_add(0, steps.episode, steps.reward),
        tested=torch.tensor(tested, dtype=torch.float32),
        no_op=(steps.decision == 0).float(),
        kept=steps.retained[~steps.retained.isnan()],
        gains=torch.from_numpy(np.concatenate(gains)),
        simulations=sum(int(one.visit_counts.sum()) for one in found),
    )


def _summary(tallies: Sequence[RolloutStatistics]) -> dict[str, float]:
    """Means over all games."""
    returns, tested, no_op, kept, gains = (
        torch.cat([getattr(one, name) for one in tallies]) for name in ("returns", "tested", "no_op", "kept", "gains")
    )
    return {
        "games": float(len(returns)),
        "mean_return": float(returns.mean()),
        "tested_share": float(tested.mean()),
        "no_op_share": float(no_op.mean()),
        "kept_share": float(kept.mean()) if len(kept) else 0.0,
        "simulations": float(sum(one.simulations for one in tallies)),
        "search_improvement": float(gains.mean()),
    }
