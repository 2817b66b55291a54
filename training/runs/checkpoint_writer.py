"""Writes what a run leaves behind: its state, epochs' checkpoints, the log. Not here: learning, the new models.

Under `torchrun` all processes call these together and rank 0 writes; an error there is everybody's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import strict_json
from training.distributed.process_group import DistributedContext
from training.networks.training_networks import Tensors, weights_of
from training.runs.damaged_files import DamagedFileError, damaged_if_unusable, has_structure
from training.runs.observer import Row
from training.runs.phase import Phase
from training.runs.run_folder import RunFolder, SavedRun
from training.runs.run_inputs import RunInputs

SAVE_INTERVAL = 60.0
"""Seconds of work that a kill may cost."""


class CheckpointWriter:
    """Saves a run, and logs its epochs."""

    def __init__(self, inputs: RunInputs, distributed: DistributedContext, clock: Callable[[], float]) -> None:
        self.inputs, self.distributed, self.clock = inputs, distributed, clock
        self.folder = RunFolder(inputs.config.checkpoint_dir)
        self.lines = [] if inputs.saved is None else list(inputs.saved.lines)
        self.checkpoints = [] if inputs.saved is None else list(inputs.saved.checkpoints)
        self.last_save = clock()

    @property
    def rows(self) -> list[Row]:
        """The run's lines of the log."""
        return [json.loads(line) for line in self.lines]

    @property
    def due(self) -> bool:
        """Whether a kill would cost more than `SAVE_INTERVAL`."""
        return self.clock() - self.last_save > SAVE_INTERVAL

    def start(self, phase: Phase) -> None:
        """Collective. Saves a run that begins, and removes an earlier one's checkpoints."""
        self.save(phase)
        with self.distributed.errors_on_all_ranks():
            if self.distributed.is_main:
                self.folder.reconcile(self.inputs.run_id, [], [])

    def resume(self, phase: Phase) -> None:
        """Collective. Lets a phase go on from the saved state, and brings the folder in line with it.

        Raises DamagedFileError if the state is none of this phase.
        """
        saved = self.inputs.saved
        assert saved is not None
        where = str(self.folder.state_path)
        if not has_structure(saved.phase_state, phase.state_dict()):
            raise DamagedFileError(where, f"is no state of the phase {phase.name}")
        with damaged_if_unusable(where):
            phase.load_state_dict(saved.phase_state)
        with self.distributed.errors_on_all_ranks():
            if self.distributed.is_main:
                self._reconcile(phase, saved)

    def _reconcile(self, phase: Phase, saved: SavedRun) -> None:
        """After a kill the last epoch's checkpoint and its line of the log may be missing."""
        self.folder.reconcile(self.inputs.run_id, self.lines, self.checkpoints)
        if saved.ends_epoch and not (self.folder.path / self.checkpoints[-1]).exists():
            self.folder.write_checkpoint(self.checkpoints[-1], self._weights(phase))

    def save(self, phase: Phase, *, ends_epoch: bool = False) -> None:
        """Collective. Replaces the state to go on from."""
        with self.distributed.errors_on_all_ranks():
            if self.distributed.is_main:
                self.folder.save(self._state(phase, ends_epoch))
        self.last_save = self.clock()

    def _state(self, phase: Phase, ends_epoch: bool) -> SavedRun:
        return SavedRun(
            run_id=self.inputs.run_id,
            fingerprint=self.inputs.fingerprint,
            lines=self.lines,
            checkpoints=self.checkpoints,
            phase=phase.name,
            phase_state=phase.state_dict(),
            policies=self.inputs.networks.state_dict(),
            ends_epoch=ends_epoch,
        )

    def end_epoch(self, phase: Phase, metrics: Mapping[str, object]) -> Row:
        """Collective. Saves, writes the epoch's checkpoint and its line of the log; returns that line.

        Saves first: when a checkpoint or a line of the log can be seen, the run can go on from there.
        """
        about = {"phase": phase.name, "epoch": phase.epoch, "run_id": self.inputs.run_id, **self.inputs.label}
        self.lines.append(strict_json.dumps({**about, **metrics}))
        self.checkpoints.append(self._next_checkpoint(phase))
        self.save(phase, ends_epoch=True)
        with self.distributed.errors_on_all_ranks():
            if self.distributed.is_main:
                self.folder.write_checkpoint(self.checkpoints[-1], self._weights(phase))
                self.folder.append_log(self.lines[-1])
        return self.rows[-1]

    def _next_checkpoint(self, phase: Phase) -> str:
        """`human_policy_e<N>.pt` after cloning's epoch N; `assistant_policy_e<N>.pt`, later phases counting on."""
        if phase.name == "bc":
            return f"human_policy_e{phase.epoch}.pt"
        checkpoint_count = sum(name.startswith("assistant") for name in self.checkpoints)
        return f"assistant_policy_e{checkpoint_count + 1}.pt"

    def _weights(self, phase: Phase) -> Tensors:
        networks = self.inputs.networks
        return weights_of(networks.human if phase.name == "bc" else networks.assistant)
