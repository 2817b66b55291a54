"""How each part is, in words that say what to do. Not here: the parts."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass

from config import VERSION
from services.services import Services

LOW_DISK = 200 * 2**20
"""Bytes of free disk from which on health says so."""


@dataclass(frozen=True, slots=True)
class PartHealth:
    """One part. ok: it works; text: what it does, or what is wrong and what to do."""

    name: str
    ok: bool
    text: str


def parts(services: Services) -> list[PartHealth]:
    """Every part, in the order in which a person meets them."""
    return [_recorder(services), _policy(services), _writer(services), _disk(services)]


def as_json(services: Services) -> dict[str, object]:
    """The same for a page."""
    return {"version": VERSION, "parts": [asdict(part) for part in parts(services)]}


def _recorder(services: Services) -> PartHealth:
    problem = services.recorder.problem_of_disk
    if problem is not None:
        return PartHealth("recorder", False, f"nothing is recorded: {problem}")
    return PartHealth("recorder", True, f"records into {services.paths.episodes}")


def _policy(services: Services) -> PartHealth:
    models = services.assistance.models
    if models.failure is not None:
        return PartHealth("policy", False, f"keeps quiet: {models.failure}")
    if not models.is_loaded:
        return PartHealth("policy", True, "loading PyTorch and the models ...")
    return PartHealth("policy", True, models.description())


def _writer(services: Services) -> PartHealth:
    return PartHealth("writer", True, services.writer_description)


def _disk(services: Services) -> PartHealth:
    folder = services.paths.root
    free = shutil.disk_usage(folder if folder.exists() else folder.parent).free
    text = f"{free // 2**20} MB free at {folder}"
    return PartHealth("disk", free > LOW_DISK, text if free > LOW_DISK else f"only {text}: make room")
