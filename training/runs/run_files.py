"""Where a run's files lie: below the folder of the last run (`DataPaths.run`). Not here: what they contain."""

from __future__ import annotations

from pathlib import Path

PLAN = "plan.json"
"""Of the run's folder: what the run does, until it has ended."""

OUTCOME, FAILURE = "outcome.json", "failure.json"
"""Of the run's folder: what the last run came to; how the last training that a server watched failed, unless another
one has begun since."""

LOG, STATE = "train.jsonl", "resume.pt"
"""Of the folder of its training (`TrainConfig.checkpoint_dir`): a line an epoch; the state to go on from."""


def plan_path(run_folder: Path) -> Path:
    """Where the plan of a run lies until the run has ended."""
    return run_folder / PLAN


def training_folder(run_folder: Path) -> Path:
    """Where the log, the checkpoints and the state of a run's training lie."""
    return run_folder / "training"


def run_lock(run_folder: Path) -> Path:
    """Locked as long as a run writes to its folder, or to that of its training."""
    return run_folder / ".lock"


def models_lock(models_folder: Path) -> Path:
    """Locked while a run replaces the models of a folder."""
    return models_folder / ".training.lock"
