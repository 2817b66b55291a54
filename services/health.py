"""How each part is, in words that say what to do. Not here: the parts."""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path

from config import VERSION
from errors import InputError
from services.current_reviewer import CurrentReviewer
from services.messages import health_status
from services.page_messages import HealthMessage, PartMessage
from services.services import Services

LOW_DISK = 200 * 2**20
"""Bytes of free disk from which on health says so."""


def parts(services: Services) -> list[PartMessage]:
    """Every part, in the order in which a person meets them."""
    return [
        recorder(services),
        _policy(services),
        _writer(services),
        _reviewer(services),
        tester(services),
        disk(services),
        _log(services),
        _versions(),
    ]


def message(services: Services) -> HealthMessage:
    """All parts for a page."""
    all_parts = parts(services)
    models = services.assistance.models
    return HealthMessage(
        VERSION,
        health_status(all(part.ok for part in all_parts)),
        all_parts,
        recording=all_parts[0].ok,
        exploring=_is_exploring(services),
        explore=models.explore,
    )


def _is_exploring(services: Services) -> bool:
    models = services.assistance.models
    try:
        return models.is_loaded and models.is_exploring()
    except InputError:
        return False


def recorder(services: Services) -> PartMessage:
    """Whether sessions are recorded."""
    problem = services.recorder.problem_of_disk
    if problem is not None:
        return PartMessage("recorder", False, f"nothing is recorded: {problem}")
    folder = services.paths.episodes
    if not os.access(_existing(folder), os.W_OK):
        text = f"nothing can be recorded: {folder} cannot be written; PERSISTENT_DATA_DIR names another folder"
        return PartMessage("recorder", False, text)
    return PartMessage("recorder", True, f"records into {folder}")


def _existing(folder: Path) -> Path:
    """The folder, or the one above it that is there."""
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())


def _policy(services: Services) -> PartMessage:
    models = services.assistance.models
    if not models.is_loaded and models.failure is None:
        return PartMessage("policy", True, "loading PyTorch and the models ...")
    try:
        description = models.description()
    except InputError as error:
        return PartMessage("policy", False, f"keeps quiet: {error}")
    if models.failure is not None:
        return PartMessage("policy", False, f"keeps quiet: {models.failure}")
    return PartMessage("policy", True, description)


def _writer(services: Services) -> PartMessage:
    if not services.writer_name:
        return PartMessage("writer", False, "nobody writes: install the extra `serve`")
    text = f"{services.writer_name}: {services.writer_description}"
    if services.assistance.writer_failure is not None:
        return PartMessage("writer", False, f"{text}; the last time it {services.assistance.writer_failure}")
    unavailable = getattr(services.assistance.writer, "unavailable", None)
    if unavailable:
        return PartMessage("writer", False, f"{text}; the embedded writer stands in: {unavailable}")
    return PartMessage("writer", True, f"{text}; {services.writer_hint}" if services.writer_hint else text)


def _reviewer(services: Services) -> PartMessage:
    reviewer = services.assistance.reviewer
    if not isinstance(reviewer, CurrentReviewer):
        return PartMessage("reviewer", True, "holds back written text that will probably not be kept")
    if reviewer.failure is not None:
        return PartMessage("reviewer", False, f"judges as at the beginning: {reviewer.failure}")
    return PartMessage("reviewer", True, reviewer.description)


def tester(services: Services) -> PartMessage:
    """Whether code is run, and how it is held back; tried out at the first call."""
    if refusal := services.tester.refusal:
        return PartMessage("tester", False, f"runs no code: {refusal}")
    sandbox = services.tester.sandbox
    return PartMessage("tester", True, f"sandbox level {int(sandbox.level)} of 5: {sandbox.description}")


def disk(services: Services) -> PartMessage:
    """Whether there is room."""
    free = shutil.disk_usage(_existing(services.paths.root)).free
    text = f"{free // 2**20} MB free at {services.paths.root}"
    return PartMessage("disk", free > LOW_DISK, text if free > LOW_DISK else f"only {text}: make room")


def _log(services: Services) -> PartMessage:
    count, path = services.failures.count, services.failures.path
    if not count:
        return PartMessage("log", True, "no unexpected error since the start")
    return PartMessage("log", False, f"{count} unexpected errors since the start; {path} has them, without your code")


def _versions() -> PartMessage:
    return PartMessage("versions", True, f"codeassist-policy {VERSION}, Python {platform.python_version()}")
