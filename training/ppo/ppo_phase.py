"""PPO from episodes: every epoch an update of the assistant on the recorded decisions.

Not here: the objective (`ppo_update.py`), self-play, files.
"""

from __future__ import annotations

from collections.abc import Mapping

from config import PPOConfig
from training.data.behaviour_policy import BehaviourPolicy
from training.data.transitions import Dataset
from training.distributed.process_group import SINGLE_PROCESS, DistributedContext
from training.losses.optimizer import Optimizer
from training.networks.training_networks import TrainingNetworks
from training.ppo.ppo_update import PPOUpdate

NAME = "ppo_from_episodes"


class PPOPhase:
    """The phase, epoch by epoch and step by step. The featurizer does not learn any more.

    train: indices of the sessions to learn from. behaviour: stands in for probabilities that were not recorded.
    distributed: the processes that share each minibatch.
    """

    name = NAME
    saves_inside = True

    def __init__(
        self, policies: TrainingNetworks, data: Dataset, train: set[int], behaviour: BehaviourPolicy, config: PPOConfig,
        *, seed: int, distributed: DistributedContext = SINGLE_PROCESS,
    ) -> None:  # fmt: skip
        self.config = config
        self.epoch = 0
        self.epochs_stopped_early = 0
        policies.featurizer.freeze()
        self.optimizer = Optimizer.from_config(policies.assistant.parameters(), config, distributed)
        self.update = PPOUpdate(
            policies, data, data.select_episodes(train, is_human=False), behaviour,
            optimizer=self.optimizer, config=config, sessions=len(train), seed=(seed, NAME), distributed=distributed,
        )  # fmt: skip

    @property
    def done(self) -> bool:
        return self.epoch >= self.config.epochs or not len(self.update.steps)

    @property
    def total_steps(self) -> int:
        """Steps that are left, if no epoch is stopped early."""
        if self.done:
            return 0
        epochs = range(self.epoch, self.config.epochs)
        return sum(len(self.update.batches_of(epoch)) for epoch in epochs) - self.update.loop.position

    def begin(self) -> None:
        self.update.begin(self.epoch)

    def step(self) -> bool:
        return self.update.step()

    def finish(self) -> dict[str, float | str | None]:
        self.epoch += 1
        self.epochs_stopped_early += self.update.stopped
        return self.update.finish()

    def close(self) -> str:
        """The last weights are the assistant; says how many epochs `target_kl` ended."""
        if not self.epochs_stopped_early:
            return ""
        target = self.config.target_kl
        return f"epochs stopped early by a KL above {target}: {self.epochs_stopped_early} of {self.epoch}"

    def state_dict(self) -> dict[str, object]:
        return {
            "epoch": self.epoch, "cut_short": self.epochs_stopped_early, "update": self.update.state_dict(),
            "optimiser": self.optimizer.state_dict(),
        }  # fmt: skip

    def load_state_dict(self, saved: Mapping[str, object]) -> None:
        self.epoch = saved["epoch"]  # type: ignore[assignment]
        self.epochs_stopped_early = saved["cut_short"]  # type: ignore[assignment]
        self.update.load_state_dict(saved["update"])  # type: ignore[arg-type]
        self.optimizer.load_state_dict(saved["optimiser"])  # type: ignore[arg-type]
