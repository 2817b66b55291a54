"""Metrics to TensorBoard, for `--tb_dir`. Needs the extra `tensorboard`."""

from __future__ import annotations

from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import files
from errors import InputError
from training.runs.observer import NullObserver, Row
from training.runs.requirements import require_writable

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


class TensorBoard(NullObserver):
    """An observer that writes each epoch's numbers; the run's label names its folder.

    Raises InputError: TensorBoard is not installed, or the folder could not be made or written.
    """

    def __init__(self, folder: str, label: str) -> None:
        if find_spec("tensorboard") is None:
            raise InputError("--tb_dir", "needs TensorBoard: pip install -c constraints.txt -e '.[tensorboard]'")
        name = quote(label, safe=" ").replace("..", "%2E%2E")  # a label may hold anything, a folder's name may not
        self.path = Path(folder, name) if name else Path(folder)
        require_writable(self.path)

    @cached_property
    def writer(self) -> SummaryWriter:
        """Made when there is something to write: a run that is refused leaves nothing."""
        from torch.utils.tensorboard import SummaryWriter

        return SummaryWriter(str(files.make_folder(self.path)))

    def metrics(self, row: Row) -> None:
        """One scalar per number of the row, by phase, over epochs."""
        epoch = row.get("epoch")
        for name, value in row.items():
            if isinstance(value, float) and isinstance(epoch, int):
                self.writer.add_scalar(f"{row.get('phase')}/{name}", value, epoch)
        self.writer.flush()
