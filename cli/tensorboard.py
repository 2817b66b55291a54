"""Metrics to TensorBoard, for `--tb_dir`. Needs the extra `tensorboard`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import files
from errors import InputError


class TensorBoard:
    """An observer (see `training.observer`) that writes each epoch's numbers, the run's label its folder."""

    def __init__(self, folder: str, label: str) -> None:
        if find_spec("tensorboard") is None:
            raise InputError("--tb_dir", "needs TensorBoard: pip install 'codeassist-policy[tensorboard]'")
        from torch.utils.tensorboard import SummaryWriter

        path = files.make_folder(Path(folder, label) if label else Path(folder))
        self.writer = SummaryWriter(str(path))

    def phase(self, name: str, total_steps: int) -> None:
        pass

    def advance(self, n: int = 1) -> None:
        pass

    def metrics(self, row: Mapping[str, object]) -> None:
        """One scalar per number of the row, by phase, over epochs."""
        epoch = row.get("epoch")
        for name, value in row.items():
            if isinstance(value, float) and isinstance(epoch, int):
                self.writer.add_scalar(f"{row.get('phase')}/{name}", value, epoch)
        self.writer.flush()

    def message(self, text: str) -> None:
        pass
