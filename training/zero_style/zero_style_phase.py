"""Zero-style self-play: the assistant searches, plays with the person that the sessions show, and learns from it.

An epoch plays on from some recorded states, a few plies each, in lockstep. Then the policy learns

    cross-entropy with what the searches found (with recorded decisions, weighted by their advantage, in every batch)
    + value_weight * squared error to the n-step returns + goal and next human decision as in cloning
    + kept_weight * cross-entropy of the p(kept) that the searches go by
    + start_anchor / sqrt(sessions) * KL(start || policy), start: the policy that the phase began with

from the games of the latest epochs. The weights are those of `PPOConfig`. The p(kept) that is published does not learn
here (`retention`). Sources: Laidlaw et al. 2025, Scalably Solving Assistance Games; Danihelka et al. 2022, Policy
improvement by planning with Gumbel. Not here: how a game is played (`self_play`), what a row teaches
(`policy_targets`), the losses (`zero_style_losses`), the search.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from config import RETENTION_STATES, SearchConfig, TrainConfig
from featurizers import LineFeatures
from judge import Problem
from simulation.builtin_problems import BY_ID
from simulation.network_agents import NetworkPolicy
from simulation.person import Person
from simulation.person_fitting import fit_person
from simulation.rollout import WriterFactory
from state_adapter import Episode
from training.data import transitions
from training.data.seeds import derived_seed, generator
from training.data.transitions import Dataset, TransitionTable
from training.distributed.process_group import SINGLE_PROCESS, DistributedContext
from training.losses.anchors import anchor_weight
from training.losses.minibatch_loop import MinibatchLoop
from training.losses.optimizer import Optimizer
from training.losses.returns import value_scale
from training.losses.weighted_means import WeightedMean
from training.networks.training_networks import Tensors, TrainingNetworks
from training.search import CachedEvaluator
from training.search.evaluator import PolicyEvaluator, observation
from training.search.goal_free_model import DISCOUNT, GoalFreeModel
from training.zero_style.policy_targets import (
    TargetBatch,
    targets_from_recording,
    targets_from_self_play,
)
from training.zero_style.retention import load_retention_weights, publish_retention, retention_weights
from training.zero_style.rollout_statistics import RolloutStatistics, rollout_metrics
from training.zero_style.self_play import (
    Root,
    SearchAssistant,
    assistant_turns,
    learned_person,
    rollout_from_roots,
    roots_of,
    session_goals,
)
from training.zero_style.zero_style_losses import zero_style_losses

NAME = "zero_style"

PRIOR_SURVIVAL_RATE = 0.9
"""Share of what was retained at a reply that stands at a session's end, before any session says so."""
PRIOR_SURVIVAL_COUNT = 4.0
"""Decisions for which the prior counts."""
SMALLEST_WEIGHT = 1e-6
"""Of a reward whose parts, in single precision, still say which share was rewarded."""


class ZeroStylePhase:
    """The phase. An epoch is played anew after a kill, so nothing is saved inside it.

    episodes, data: all that was recorded, and the same as tensors. train: the episodes to learn from, indices.
    person: whom the assistant plays with; by default the one that these episodes show, as they show how good its text
    is. problems: those known, by id. record: is given the games that this process has played, an epoch's at a time.
    distributed: the processes that share the games and the minibatches of each epoch.

    games: ids of the games that were learned from, of all processes. search_retention: between epochs, the weights of
    the searches' p(kept) (`retention`); None before the first.
    """

    name, saves_inside = NAME, False

    def __init__(
        self, policies: TrainingNetworks, episodes: Sequence[Episode], data: Dataset, train: Sequence[int],
        config: TrainConfig, *, person: Person | None = None, problems: Mapping[str, Problem] = BY_ID,
        record: Callable[[Sequence[Episode]], object] | None = None, distributed: DistributedContext = SINGLE_PROCESS,
    ) -> None:  # fmt: skip
        self.policies, self.data, self.config, self.distributed = policies, data, config, distributed
        policies.featurizer.freeze()
        self.train = sorted(train)
        self.episodes = [episodes[i] for i in self.train]
        self.roots = roots_of(self.episodes)
        self.person, self.problems, self.record = person, problems, record
        self.epoch = 0
        self.games: list[str] = []
        self.writers: WriterFactory | None = None
        settings = config.zero_style
        self.search = SearchConfig(algorithm=settings.algorithm, simulations=settings.simulations, discount=DISCOUNT)
        self.optimizer = Optimizer.from_config(policies.assistant.parameters(), config.ppo, distributed)
        self.loop = MinibatchLoop(self.optimizer, self._loss, distributed)
        self.search_retention: Tensors | None = None
        self.replay: deque[TargetBatch] = deque(maxlen=config.zero_style.replay)
        self.start_anchor = anchor_weight(config.ppo.start_anchor, len(self.train))
        self.rollout_metrics: dict[str, float] = {}

    @property
    def done(self) -> bool:
        settings = self.config.zero_style
        return self.epoch >= settings.epochs or not self.roots

    @property
    def total_steps(self) -> int:
        return (self.config.zero_style.epochs - self.epoch) * self._batches_per_epoch if self.roots else 0

    @property
    def _batches_per_epoch(self) -> int:
        """Minibatches of an epoch."""
        settings = self.config.zero_style
        decisions = min(settings.roots, len(self.roots)) * assistant_turns(settings.horizon)
        return math.ceil(settings.passes * decisions / (self.config.ppo.batch_size - self._recorded_per_batch))

    @property
    def _recorded_per_batch(self) -> int:
        """Recorded decisions in a minibatch, at most all but one."""
        size = self.config.ppo.batch_size
        return min(round(self.config.zero_style.recorded_share * size), size - 1)

    def begin(self) -> None:
        """Plays the epoch's games and lays out what is learned from them."""
        if self.epoch == 0:
            self.policies.initial_assistant.load_state_dict(self.policies.assistant.state_dict())
        if self.person is None or self.writers is None:
            parameters = fit_person(self.episodes, self.problems)
            self.person, self.writers = self.person or learned_person(self.policies, parameters), parameters.writer
        if self.search_retention is not None:
            load_retention_weights(self.policies.assistant, self.search_retention)
        self.policies.assistant.eval()
        self.policies.initial_assistant.eval()
        self.replay.append(self._play(self.person, self.writers))
        searched = TargetBatch.concat(list(self.replay))
        recorded = self._recorded_targets()
        self.training_batch = TargetBatch.concat([searched, recorded])
        self.value_scale = value_scale(searched.targets.returns)
        self.loop.reset()
        self.loop.begin(self._minibatches(len(searched.targets), len(recorded.targets)))

    def step(self) -> bool:
        """One minibatch; False if the epoch has none left."""
        return self.loop.step(self._minibatch_losses, f"{NAME}, epoch {self.epoch + 1}")

    def _minibatch_losses(self, minibatch: Tensor) -> dict[str, WeightedMean]:
        """Losses of this process's rows of a minibatch."""
        targets = self.training_batch.targets.select(self.distributed.shard_rows(minibatch))
        start = self.policies.initial_assistant
        with torch.no_grad():
            lines = self._features(targets.state_index)
            scores = start(lines, {"action"}).scores
            start_log_probs = start.distribution(scores, lines, legal_only=True).pair_log_probs()
        targets = targets.to(start_log_probs.device)
        return zero_style_losses(self.policies.assistant, lines, targets, self.value_scale, start_log_probs)

    @torch.no_grad()
    def _features(self, state_index: Tensor) -> LineFeatures:
        """Features of states of the epoch's targets."""
        device = next(self.policies.assistant.parameters()).device
        lines: LineFeatures = self.policies.featurizer(self.training_batch.encoded.batch(state_index, device))
        return lines

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
        replayed = float(sum(len(batch.targets) for batch in self.replay))
        metrics = {"loss": 0.0, **self.loop.finish(), **self._publish_retention(), **self.rollout_metrics}
        self.epoch += 1
        return {**metrics, "replayed": replayed}

    def _publish_retention(self) -> dict[str, float]:
        """Puts the searches' p(kept) aside; the assistant's becomes that of the phase's start again."""
        policies = self.policies
        if policies.assistant.kept_head is None:
            return {}
        self.search_retention = retention_weights(policies.assistant)
        order = generator(self.config.seed, NAME, self.epoch, "retention")
        indices = torch.unique(self.training_batch.targets.state_index)
        indices = indices[torch.randperm(len(indices), generator=order)[:RETENTION_STATES]]
        batches = [self._features(part) for part in indices.split(self.config.ppo.batch_size)]
        return {"kl_kept": publish_retention(policies.assistant, policies.initial_assistant, batches)}

    def close(self) -> str:
        """Ends the phase; there is nothing to say."""
        return ""

    def state_dict(self) -> dict[str, object]:
        replay = [batch.state_dict() for batch in self.replay]
        saved: dict[str, object] = {"epoch": self.epoch, "games": list(self.games), "replay": replay}
        if self.search_retention is not None:
            saved["search_retention"] = self.search_retention
        return {**saved, "optimiser": self.optimizer.state_dict()}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        self.epoch, self.games = saved["epoch"], list(saved["games"])
        self.optimizer.load_state_dict(saved["optimiser"])
        self.search_retention = saved.get("search_retention")
        self.replay.extend(TargetBatch.restored(state) for state in saved["replay"])

    def _play(self, person: Person, writers: WriterFactory) -> TargetBatch:
        """Plays games from roots that the seed and the epoch choose; each process its share, and all get all games."""
        settings, seed = self.config.zero_style, self.config.seed
        number = self.config.games_before + self.epoch  # an epoch plays one game at least
        order = torch.randperm(len(self.roots), generator=generator(seed, NAME, number, "roots"))
        roots = self.distributed.shard([self.roots[i] for i in order[: settings.roots].tolist()])
        rollout_seed = derived_seed(seed, NAME, number, *self.distributed.seed_suffix)
        with self.distributed.errors_on_all_ranks():
            games = self._play_from(roots, person, writers, rollout_seed) if roots else None
        games_by_rank = [games for games in self.distributed.all_gather(games) if games is not None]
        statistics = [part for _, part in games_by_rank]
        self.games += [game_id for part in statistics for game_id in part.ids]
        self.rollout_metrics = rollout_metrics(statistics)
        return TargetBatch.concat([batch for batch, _ in games_by_rank])

    def _play_from(
        self, roots: Sequence[Root], person: Person, writers: WriterFactory, seed: int
    ) -> tuple[TargetBatch, RolloutStatistics]:
        """What the games from `roots` teach, and how they went."""
        settings, assistant = self.config.zero_style, self.assistant()
        games = rollout_from_roots(
            roots, assistant, person, plies=settings.horizon, seed=seed, writers=writers, problems=self.problems
        )
        if self.record is not None:
            self.record(games)
        data = transitions.build_dataset(games, self.policies.featurizer, self.config.rewards)
        steps = data.select_episodes(range(len(games)), is_human=False)
        batch = targets_from_self_play(
            data,
            session_goals(roots, games, steps),
            assistant.searches,
            self.policies,
            n_step=settings.n_step,
            discount=self.config.ppo.gamma,
        )
        has_tests = [(root.episode.problem_id or "") in self.problems for root in roots]
        ids = [game.id for game in games]
        return batch, RolloutStatistics.of_games(steps, assistant.searches, tested=has_tests, ids=ids)

    def assistant(self) -> SearchAssistant:
        """Who plays the games: the current policy, searching with noise that explores."""
        policies, weights = self.policies, self.config.rewards
        human = NetworkPolicy(policies.human.eval(), policies.featurizer.eval())
        policy = PolicyEvaluator(policies.assistant, policies.featurizer, self.search)
        evaluator = CachedEvaluator(policy, observation)
        rate = survival_rate(self.data, self.data.select_episodes(self.train, is_human=False), weights.survival_reward)
        model = GoalFreeModel(evaluator, human, weights, self.search, survival_rate=rate)
        return SearchAssistant(model, self.search, explore=True)

    def _recorded_targets(self) -> TargetBatch:
        """Targets of recorded decisions for the epoch: whole episodes, as many as its minibatches need."""
        shuffle = generator(self.config.seed, NAME, self.epoch, "recorded")
        counts = torch.bincount(self.data.steps.episode[~self.data.steps.is_human], minlength=len(self.data.ids))
        episodes, decisions_left = [], self._recorded_per_batch * self._batches_per_epoch
        for index in torch.randperm(len(self.train), generator=shuffle).tolist():
            if decisions_left > 0:
                episodes.append(self.train[index])
                decisions_left -= int(counts[self.train[index]])
        steps = self.data.select_episodes(episodes, is_human=False)
        return targets_from_recording(
            self.data, steps, self.policies, self.config.ppo, self.search.candidates, distributed=self.distributed
        )

    def _minibatches(self, searched: int, recorded: int) -> list[Tensor]:
        """Rows of each minibatch: first those of games, then those recorded, whose rows follow those of all games."""
        order = generator(self.config.seed, NAME, self.epoch, "order")
        size, share = self.config.ppo.batch_size, self._recorded_per_batch if recorded else 0
        count = self._batches_per_epoch
        games = _shuffled_passes(searched, (size - share) * count, order)
        sessions = searched + _shuffled_passes(recorded, share * count, order)
        return [torch.cat(rows) for rows in zip(games.chunk(count), sessions.view(count, -1), strict=True)]


def _shuffled_passes(rows: int, count: int, order: torch.Generator) -> Tensor:
    """`(count,)` of `rows` rows, each as often as any other, in random order pass by pass."""
    passes = [torch.randperm(rows, generator=order) for _ in range(math.ceil(count / max(rows, 1)))]
    return torch.cat([torch.zeros(0, dtype=torch.int64), *passes])[:count]


def survival_rate(data: Dataset, steps: TransitionTable, reward: float) -> float:
    """Share of what was retained at a reply that stands at the session's end, as `steps` show.

    reward: weight of `survival_reward`. Decisions that teach no policy do not count.
    """
    if "survival_reward" not in data.part_names or abs(reward) < SMALLEST_WEIGHT:
        return PRIOR_SURVIVAL_RATE
    counts = steps.trainable & (steps.retained.nan_to_num() > 0)
    survived = steps.parts[:, data.part_names.index("survival_reward")][counts] / reward
    total = float(survived.sum()) + PRIOR_SURVIVAL_RATE * PRIOR_SURVIVAL_COUNT
    return min(total / (len(survived) + PRIOR_SURVIVAL_COUNT), 1.0)
