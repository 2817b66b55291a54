"""How each part is, in words that say what to do. Not here: the parts, the log to hand over (`handover`)."""

from __future__ import annotations

import math
import os
import platform
import shutil
import threading
import time
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from config import VERSION
from data_paths import VARIABLE
from errors import InputError, printable
from judge.sandbox_level import SandboxLevel
from services.learning.current_reviewer import CurrentReviewer
from services.messages.health_messages import DiskMessage, HealthMessage, PartMessage
from services.messages.messages import health_status
from services.services import Services

LOW_DISK = 200 * 2**20
"""Bytes of free disk from which on health says so."""

COUNTED_AGAIN_SECONDS = 60.0
"""After which the data root's size is counted again."""

OTHER_FOLDER = f"start it with {VARIABLE} set to another folder"


def parts(services: Services) -> list[PartMessage]:
    """Every part, in the order in which a person meets them."""
    return [
        recorder(services),
        _policy(services),
        _writer(services),
        _reviewer(services),
        tester(services),
        _settings(services),
        *_files(services),
        *_problems(services),
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
        disk=DiskMessage(printable(str(services.paths.root)), _free(services), data_size(services.paths.root)),
        versions=versions(),
    )


def _is_exploring(services: Services) -> bool:
    models = services.assistance.models
    try:
        return models.is_loaded and models.is_exploring()
    except InputError:
        return False


def words(part: PartMessage) -> str:
    """What is said of a part, and what to do, in a line."""
    return f"{part.text}; {part.advice}" if part.advice else part.text


def recorder(services: Services) -> PartMessage:
    """Whether sessions are recorded."""
    problem = services.recorder.problem_of_disk
    if problem is not None:
        advice = f"make room or allow writing there, or {OTHER_FOLDER}"
        return PartMessage("recorder", False, f"nothing is recorded: {problem}", advice)
    folder = services.paths.episodes
    if not os.access(_existing(folder), os.W_OK):
        return PartMessage("recorder", False, f"nothing can be recorded: {folder} cannot be written", OTHER_FOLDER)
    return PartMessage("recorder", True, f"records into {folder}")


def _existing(folder: Path) -> Path:
    """The folder, or the one above it that is there."""
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())


def _policy(services: Services) -> PartMessage:
    models = services.assistance.models
    if not models.is_loaded and models.failure is None:
        return PartMessage("policy", True, "loading PyTorch and the models ...")
    advice = "go back to earlier models, or train again"
    try:
        description = models.description()
    except InputError as error:
        return PartMessage("policy", False, f"keeps quiet: {error}", advice)
    if models.failure is not None:
        return PartMessage("policy", False, f"keeps quiet: {models.failure}", advice)
    return PartMessage("policy", True, description)


def _writer(services: Services) -> PartMessage:
    if not services.writer.name:
        return PartMessage("writer", False, "nobody writes", "install the extra `serve`")
    text = f"{services.writer.name}: {services.writer.description}"
    if services.assistance.tutor is not None:
        text = f"the tutor in problems that come with a solution; elsewhere {text}"
    if services.assistance.writer_failure is not None:
        text = f"{text}; the last time it {services.assistance.writer_failure}"
        return PartMessage("writer", False, text, "it is asked again; if it stays so, choose another writer")
    unavailable = getattr(services.assistance.writer, "unavailable", None)
    if unavailable:
        advice = "see whether it still runs, or choose another writer"
        return PartMessage("writer", False, f"{text}; the embedded writer stands in: {unavailable}", advice)
    return PartMessage("writer", True, text, services.writer.hint)


def _reviewer(services: Services) -> PartMessage:
    reviewer = services.assistance.reviewer
    if not isinstance(reviewer, CurrentReviewer):
        return PartMessage("reviewer", True, "holds back written text that will probably not be kept")
    if reviewer.failure is not None:
        return PartMessage(
            "reviewer", False, f"judges as at the beginning: {reviewer.failure}", "train again: it is written anew"
        )
    return PartMessage("reviewer", True, reviewer.description)


def tester(services: Services) -> PartMessage:
    """Whether code is run, and how it is held back; tried out at the first call."""
    if refusal := services.tester.refusal:
        return PartMessage("tester", False, f"runs no code: {refusal}", raises_sandbox(services.tester.sandbox.level))
    sandbox = services.tester.sandbox
    text = f"sandbox level {int(sandbox.level)} of {int(SandboxLevel.FULL)}: {sandbox.description}"
    return PartMessage("tester", True, text, raises_sandbox(sandbox.level))


def raises_sandbox(level: SandboxLevel) -> str:
    """What would bring a higher level on this machine, in words; "": nothing does."""
    if level == SandboxLevel.FULL:
        return ""
    if platform.system() != "Linux":
        return "more protection needs Linux, for example in a virtual machine"
    wanted = []
    if level != SandboxLevel.SYSTEM_CALLS and find_spec("seccompy") is None:
        wanted.append("the package seccompy (extra `serve`) for the system-call filter")
    if level in (SandboxLevel.NONE, SandboxLevel.LIMITS, SandboxLevel.NAMESPACES):
        wanted.append("Linux 5.13 or newer with Landlock for the file filter")
    if level < SandboxLevel.NAMESPACES:
        wanted.append("user namespaces for ordinary users (most containers forbid them) for namespaces")
    return f"a higher level needs {' and '.join(wanted)}"


def _settings(services: Services) -> PartMessage:
    services.settings.current()
    failure = services.settings.failure
    if failure is None:
        return PartMessage("settings", True, "your settings are remembered")
    text, advice = f"the usual settings hold: {failure}", "change any setting, and the file is written anew"
    return PartMessage("settings", False, text, advice)


def _files(services: Services) -> list[PartMessage]:
    """The person's folder where it is missing; else nothing is said of it."""
    problem = services.folder.problem()
    if problem is None:
        return []
    return [PartMessage("files", False, problem, "choose another folder, or close this one, below your files")]


def _problems(services: Services) -> list[PartMessage]:
    """The person's own problems where they cannot be read; else nothing is said of them."""
    failure = services.problems_failure
    return [] if failure is None else [PartMessage("problems", False, failure, "then start again")]


def disk(services: Services) -> PartMessage:
    """Whether there is room."""
    root, free = services.paths.root, _free(services)
    size = data_size(root)
    text = f"{free // 2**20:,} MB free"
    if size is not None:
        text += f"; what is recorded and learned takes {size / 2**20:,.1f} MB"
    text += f", in {root}"
    if has_room(services):
        return PartMessage("disk", True, text)
    return PartMessage("disk", False, f"only {text}", f"make room, delete sessions, or {OTHER_FOLDER}")


def has_room(services: Services) -> bool:
    """Whether the disk has room, without counting the data root."""
    return _free(services) > LOW_DISK


def _free(services: Services) -> int:
    return shutil.disk_usage(_existing(services.paths.root)).free


_sizes: dict[Path, tuple[float, int | None]] = {}
_counting = threading.Lock()


def data_size(folder: Path) -> int | None:
    """Bytes of all files below a folder, counted at most once a minute; None: they are being counted just now."""
    counted_at, size = _sizes.get(folder, (-math.inf, None))
    if time.monotonic() < counted_at + COUNTED_AGAIN_SECONDS or not _counting.acquire(blocking=False):
        return size
    try:
        size = sum(_size(Path(path, name)) for path, _, names in os.walk(folder) for name in names)
        _sizes[folder] = (time.monotonic(), size)
    finally:
        _counting.release()
    return size


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:  # removed meanwhile
        return 0


def _log(services: Services) -> PartMessage:
    count, path = services.failures.count, services.failures.path
    if not count:
        return PartMessage("log", True, "no unexpected error since the start")
    text = f"{count} unexpected errors since the start; {path} has them, without your code"
    return PartMessage("log", False, text, "hand over the log with what you did just before")


def _versions() -> PartMessage:
    return PartMessage("versions", True, ", ".join(f"{name} {number}" for name, number in versions().items()))


def versions() -> dict[str, str]:
    """Versions of this program, of what it runs on, and of what it runs with."""
    names = {"codeassist-policy": VERSION, "Python": platform.python_version()}
    for package, name in (("torch", "PyTorch"), ("xllamacpp", "xllamacpp")):
        try:
            names[name] = version(package)
        except PackageNotFoundError:
            continue
    return names | {"platform": platform.platform()}
