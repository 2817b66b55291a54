"""The models that every training of `run.py` begins with: never those that an earlier training has made.

Training again from what was learned before would learn the same sessions twice, held to itself. Not here: the files
(`models.store`), fresh weights (`TrainingNetworks.fresh`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from config import TrainConfig
from inference import BASELINE
from models import Models, store
from models.provenance import IMPORTED
from training.runs.observer import Observer

BASELINE_START, FRESH_START = "baseline", "fresh"


@dataclass(frozen=True)
class Start:
    """name: `baseline`, a generation of imported models, or `fresh`. folder: where the models lie; None: fresh ones."""

    name: str
    folder: Path | None = None


def find_start(models_folder: Path, backbone: str, observer: Observer) -> Start:
    """The packaged baseline, else imported models of the person's folder, else fresh weights.

    Imported models are stored as a generation that is never pruned; a damaged one is set aside, which is said on
    stderr. Fresh weights too if the others have another backbone, which is reported.
    Raises InputError: a damaged baseline, damaged current models, a folder that cannot be written.
    """
    start, models = _existing_start(models_folder)
    if models is None or models.assistant.config.backbone == backbone:
        return start
    name = models.assistant.config.backbone
    observer.message(f"The models to begin with ({start.name}) have the backbone {name}, not {backbone}: a new start.")
    return Start(FRESH_START)


def start_named(name: str, models_folder: Path) -> Start:
    """The start of an interrupted run."""
    if name == FRESH_START:
        return Start(name)
    return Start(name, BASELINE if name == BASELINE_START else models_folder / store.GENERATIONS / name)


def start_name(config: TrainConfig) -> str:
    """What a training by itself begins with: `fresh`, or the generation in `pv_dir` (`imported`: it is none)."""
    if not config.init_from_pv:
        return FRESH_START
    current = (generation.id for generation in store.generations(config.pv_dir) if generation.current)
    return next(current, IMPORTED)


def _existing_start(models_folder: Path) -> tuple[Start, Models | None]:
    if (baseline := store.load(BASELINE)) is not None:
        return start_named(BASELINE_START, models_folder), baseline
    store.set_damaged_starts_aside(models_folder)
    stored, current = store.load_start(models_folder), store.load(models_folder)
    name = store.start_generation(models_folder)
    if current is not None and _is_imported(current) and (stored is None or not _same_weights(current, stored)):
        name = store.keep_start(models_folder, current, current.meta)
        stored = current
    if name is None or stored is None:
        return Start(FRESH_START), None
    return start_named(name, models_folder), stored


def _is_imported(models: Models) -> bool:
    return models.meta.get("trained_on") == IMPORTED


def _same_weights(models: Models, stored: Models) -> bool:
    for part in ("human", "assistant", "featurizer"):
        weights, expected = getattr(models, part).state_dict(), getattr(stored, part).state_dict()
        if weights.keys() != expected.keys():
            return False
        if not all(torch.equal(weights[name], expected[name]) for name in expected):
            return False
    return True
