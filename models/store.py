"""The current models: three files that are replaced together or not at all, and their earlier generations.

    <pv_dir>/asm_assistant_model.pt, asm_human_model.pt, asm_featurizer.pt     the current models
    <pv_dir>/generations/<id>/                                                the same files and about.json
    <pv_dir>/replacing.json                                                   only during a replacement: its id

A replacement first writes a generation (under a hidden name), then `replacing.json` (from here on the new models are
current), then it shows the generation and replaces the three files. Whoever finds `replacing.json` reads from the
generation that it names and ends what was begun; so a process may be killed at any moment, and a reader never gets
files of two generations.
Not here: when to replace models (`training`), what is in a file (`checkpoint.py`).
"""

from __future__ import annotations

import hashlib
import io
import json
import shlex
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from errors import InputError, NotFoundError
from featurizers import Featurizer
from files import atomic_write, lock, sync_folder, translate_os_errors
from models import checkpoint
from models.policy import Policy
from models.pt_file import read_pt

ASSISTANT, HUMAN, FEATURIZER = FILES = ("asm_assistant_model.pt", "asm_human_model.pt", "asm_featurizer.pt")
GENERATIONS, DAMAGED = "generations", "damaged"
JOURNAL, METADATA_FILE, LOCK_FILE = "replacing.json", "about.json", ".store.lock"

MAX_GENERATIONS = 8
"""Generations that stay for a roll-back, the current one included."""

READ_ATTEMPTS, RETRY_SECONDS = 50, 0.02
"""How often, and after how many seconds, a reader looks again that met a replacement."""


@dataclass(frozen=True, slots=True)
class Models:
    """A pair of policies and the featurizer that both read from, in eval mode.

    source: the assistant's file, or `baseline`, or `untrained`. meta: what was said when they were published, for
    example `trained_on` (person, samples, scripted) and `created`.
    """

    human: Policy
    assistant: Policy
    featurizer: Featurizer
    meta: dict[str, Any]
    source: str
    generation: str | None = None


@dataclass(frozen=True, slots=True)
class Generation:
    """A kept set of models. created: ISO 8601, UTC ("": unknown); current: whether its files are the current models.

    damaged: its files are not, or not all, what was kept; it cannot be gone back to.
    """

    id: str
    created: str
    meta: dict[str, Any]
    current: bool
    damaged: bool


def publish(
    pv_dir: Path,
    human: Policy,
    assistant: Policy,
    featurizer: Featurizer,
    meta: dict[str, Any],
    *,
    now: Callable[[], float] = time.time,
) -> str:
    """Makes models current and returns their generation's id. Raises InputError (disk full, read-only): the old stay.

    meta: plain values, with `trained_on` among them; `created` is added.
    """
    with lock(pv_dir / LOCK_FILE, wait=True):
        _complete_replacement(pv_dir)
        _archive_current(pv_dir, now)
        meta = {"created": _iso(now()), **meta}
        generation = _next_id(pv_dir, _weights(human, assistant, featurizer))
        about = {"generation": generation, "meta": meta}
        contents = {
            ASSISTANT: _bytes(checkpoint.policy_checkpoint(assistant, agent="assistant", **about)),
            HUMAN: _bytes(checkpoint.policy_checkpoint(human, agent="human", **about)),
            FEATURIZER: _bytes(checkpoint.featurizer_checkpoint(featurizer, **about)),
        }
        try:
            _write_generation(pv_dir, generation, contents, meta)
            _make_current(pv_dir, generation)
        except InputError:
            _remove_leftovers(pv_dir)
            raise
        _prune(pv_dir, generation)
    return generation


def load(pv_dir: Path, device: torch.device | str = "cpu", expect_backbone: str | None = None) -> Models | None:
    """The current models, None if there are none.

    Raises InputError that names the file if one of the three is missing, damaged, does not fit the others, or has
    another backbone than the one expected; if others are kept, it says how to go back to them.
    """
    try:
        return _load(pv_dir, device, expect_backbone)
    except InputError as error:
        if not (hint := rollback_hint(pv_dir)):
            raise
        raise type(error)(error.where, f"{error.reason}; {hint}") from error


def load_generation(pv_dir: Path, generation: str, device: torch.device | str = "cpu") -> Models:
    """The models of a generation, current or not. Raises InputError: it is not there, or damaged."""
    folder = pv_dir / GENERATIONS / generation
    return _models(folder, {name: read_pt(folder / name) for name in FILES}, device, None)


def rollback_hint(pv_dir: Path) -> str:
    """How to roll back, if the current models are no whole generation but there is one; "": nothing is to be done."""
    kept = generations(pv_dir)
    if all(one.damaged for one in kept) or any(one.current for one in kept):
        return ""
    command = f"python -m cli.run_tasks models --pv_dir {shlex.quote(str(pv_dir))} --roll_back"
    return f"earlier models are kept: `{command}` makes the latest of them current"


def _load(pv_dir: Path, device: torch.device | str, expect_backbone: str | None) -> Models | None:
    if _journal(pv_dir) is not None:
        with suppress(InputError), lock(pv_dir / LOCK_FILE):  # unless somebody is at it, or the folder is read-only
            _complete_replacement(pv_dir)
    for attempt in range(READ_ATTEMPTS):
        folder, contents = _read_current(pv_dir)
        if not contents:
            return None
        missing = [name for name in FILES if name not in contents]
        if missing and attempt > 1 and _journal(pv_dir) is None:  # and not just about to be written
            raise NotFoundError(str(folder / missing[0]), f"is missing, though {next(iter(contents))} is there")
        if not missing:
            loaded = {name: read_pt(pv_dir / name, contents[name]) for name in FILES}
            generations = [_config(loaded[name]).get("generation") for name in FILES]
            if len(set(map(str, generations))) == 1:
                return _models(pv_dir, loaded, device, expect_backbone)
        time.sleep(RETRY_SECONDS)
    raise InputError(str(pv_dir), f"the files {', '.join(FILES)} are not from the same training")


def generations(pv_dir: Path) -> list[Generation]:
    """What is kept, oldest first; before these, damaged ones of which nothing is known but their name."""
    current = _current_id(pv_dir)
    found = []
    for folder in (pv_dir / GENERATIONS).glob("[!.]*/"):
        about = _read_metadata(folder / METADATA_FILE) or {"created": "", "meta": {}, "sha256": None}
        damaged = about["sha256"] != _hashes(_read_files(folder))
        found.append(Generation(folder.name, about["created"], about["meta"], folder.name == current, damaged))
    return sorted(found, key=lambda generation: (generation.created, generation.id))


def roll_back(pv_dir: Path, generation: str | None = None) -> Generation:
    """Makes an earlier generation current again (by default the one before the current). Raises InputError."""
    with lock(pv_dir / LOCK_FILE, wait=True):
        _complete_replacement(pv_dir)
        kept = [one for one in generations(pv_dir) if one.current or not one.damaged]
        ids = [one.id for one in kept if not one.damaged]
        if generation is None:
            place = next((i for i, one in enumerate(kept) if one.current), len(kept))
            if place == 0:
                raise NotFoundError(str(pv_dir), "there are no earlier models to go back to")
            generation = kept[place - 1].id
        if generation not in ids:
            raise NotFoundError(
                str(pv_dir), f"there is no whole generation {generation!r}; there are {', '.join(ids) or 'none'}"
            )
        _archive_current(pv_dir, time.time)
        _make_current(pv_dir, generation)
        return next(one for one in generations(pv_dir) if one.id == generation)


def _models(
    pv_dir: Path, loaded: dict[str, dict[str, Any]], device: torch.device | str, expect_backbone: str | None
) -> Models:
    human = checkpoint.policy_from(loaded[HUMAN], str(pv_dir / HUMAN), device, expect_backbone)
    assistant = checkpoint.policy_from(loaded[ASSISTANT], str(pv_dir / ASSISTANT), device, expect_backbone)
    featurizer = checkpoint.featurizer_from(loaded[FEATURIZER], str(pv_dir / FEATURIZER), device)
    for name, policy, agent in ((HUMAN, human, "human"), (ASSISTANT, assistant, "assistant")):
        if (found := _config(loaded[name]).get("agent", agent)) != agent:
            raise InputError(str(pv_dir / name), f"is a policy of the agent {found!r}, expected the {agent}'s")
        if policy.config.d_in != featurizer.config.d_in:
            what = f"reads {policy.config.d_in} features a line, {FEATURIZER} makes {featurizer.config.d_in}"
            raise InputError(str(pv_dir / name), what)
    config = _config(loaded[ASSISTANT])
    imported = "format_version" not in config
    meta = {"trained_on": "imported"} if imported else config.get("meta", {})
    return Models(human, assistant, featurizer, meta, str(pv_dir / ASSISTANT), config.get("generation"))


def _config(loaded: dict[str, Any]) -> dict[str, Any]:
    config = loaded.get("config")
    return config if isinstance(config, dict) else {}


def _read_current(pv_dir: Path) -> tuple[Path, dict[str, bytes]]:
    """The folder that the current models are in, and those of the three files that are there."""
    begun = _journal(pv_dir)
    folder = pv_dir if begun is None else _generation_folder(pv_dir, begun)
    return folder, _read_files(folder)


def _read_files(folder: Path) -> dict[str, bytes]:
    """Those of the three files that are in a folder."""
    contents = {}
    for name in FILES:
        path = folder / name
        with translate_os_errors(path), suppress(FileNotFoundError):
            contents[name] = path.read_bytes()
    return contents


def _hashes(contents: dict[str, bytes]) -> dict[str, str]:
    return {name: _sha256(content) for name, content in contents.items()}


def _generation_folder(pv_dir: Path, generation: str) -> Path:
    """Where a generation lies: under its name, or hidden if it is about to become current."""
    shown = pv_dir / GENERATIONS / generation
    return shown if shown.exists() else shown.with_name(f".{generation}")


def _journal(pv_dir: Path) -> str | None:
    """The generation that a replacement, begun and not yet ended, makes current."""
    with translate_os_errors(pv_dir / JOURNAL):
        try:
            generation = str(json.loads((pv_dir / JOURNAL).read_text())["generation"])
        except (FileNotFoundError, NotADirectoryError):
            return None
    return generation if (_generation_folder(pv_dir, generation) / METADATA_FILE).exists() else None


def _make_current(pv_dir: Path, generation: str) -> None:
    """Makes a generation current. What can fail for want of space comes before the journal."""
    staged = _stage(pv_dir, generation)
    atomic_write(pv_dir / JOURNAL, json.dumps({"generation": generation}))
    _replace(pv_dir, generation, staged)


def _complete_replacement(pv_dir: Path) -> None:
    """Ends a replacement that a killed process began, and removes what else it left lying about."""
    begun = _journal(pv_dir)
    if begun is not None:
        _replace(pv_dir, begun, _stage(pv_dir, begun))
    _remove_leftovers(pv_dir)


def _remove_leftovers(pv_dir: Path) -> None:
    """Removes what was written and never became current."""
    if _journal(pv_dir) is None:
        for leftover in pv_dir.glob(".staged-*"):
            leftover.unlink(missing_ok=True)
        for leftover in (pv_dir / GENERATIONS).glob(".*"):
            shutil.rmtree(leftover, ignore_errors=True)


def _stage(pv_dir: Path, generation: str) -> dict[Path, Path]:
    """Copies of a generation's files beside those that they are to replace."""
    folder = _generation_folder(pv_dir, generation)
    staged = {pv_dir / f".staged-{name}": pv_dir / name for name in FILES}
    for temporary, final in staged.items():
        with translate_os_errors(folder / final.name):
            content = (folder / final.name).read_bytes()
        atomic_write(temporary, content)
    return staged


def _replace(pv_dir: Path, generation: str, staged: dict[Path, Path]) -> None:
    with translate_os_errors(pv_dir):
        hidden, shown = _generation_folder(pv_dir, generation), pv_dir / GENERATIONS / generation
        if hidden != shown:
            hidden.replace(shown)
            sync_folder(shown.parent)
        for temporary, final in staged.items():
            temporary.replace(final)
        sync_folder(pv_dir)
        (pv_dir / JOURNAL).unlink(missing_ok=True)


def _write_generation(pv_dir: Path, generation: str, contents: dict[str, bytes], meta: dict[str, Any]) -> Path:
    """Writes a generation's folder under its hidden name; `about.json`, which makes it one, comes last."""
    folder = pv_dir / GENERATIONS / f".{generation}"
    about = {"created": meta["created"], "meta": meta, "sha256": _hashes(contents)}
    for name, content in contents.items():
        atomic_write(folder / name, content)
    atomic_write(folder / METADATA_FILE, json.dumps(about, indent=1))
    return folder


def _archive_current(pv_dir: Path, now: Callable[[], float]) -> None:
    """Keeps models that came from elsewhere (imported, copied) as a generation before they are replaced.

    Files that are damaged or do not belong together become none: they are kept in a folder of their own.
    """
    _, contents = _read_current(pv_dir)
    if len(contents) == len(FILES) and _current_id(pv_dir) is None:
        generation = _next_id(pv_dir, contents.values())
        try:
            _load(pv_dir, "cpu", None)
        except InputError:  # nothing to go back to, but somebody may still want to look at it
            for name, content in contents.items():
                atomic_write(pv_dir / DAMAGED / generation / name, content)
            return
        created = _iso(min(now(), (pv_dir / ASSISTANT).stat().st_mtime))
        hidden = _write_generation(pv_dir, generation, contents, {"created": created, "trained_on": "imported"})
        with translate_os_errors(hidden):
            hidden.replace(pv_dir / GENERATIONS / generation)


def _current_id(pv_dir: Path) -> str | None:
    """The generation whose files are the current models; None: there is none."""
    _, contents = _read_current(pv_dir)
    sums = _hashes(contents)
    for path in sorted((pv_dir / GENERATIONS).glob(f"[!.]*/{METADATA_FILE}")):
        about = _read_metadata(path)
        if about is not None and about["sha256"] == sums:
            return path.parent.name
    return None


def _read_metadata(path: Path) -> dict[str, Any] | None:
    """What is said of a generation; None if that is damaged or missing."""
    try:
        about = json.loads(path.read_text())
        whole = isinstance(about["created"], str) and isinstance(about["meta"], dict) and about["sha256"]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return about if whole else None


def _prune(pv_dir: Path, current: str) -> None:
    for old in generations(pv_dir)[:-MAX_GENERATIONS]:
        if old.id != current:
            shutil.rmtree(pv_dir / GENERATIONS / old.id, ignore_errors=True)


def _next_id(pv_dir: Path, contents: Iterable[bytes | memoryview]) -> str:
    """A number that counts up, and a few digits that tell these contents from others."""
    numbers = [path.name.split("-")[0] for path in (pv_dir / GENERATIONS).glob("*-*")]
    number = max((int(n) for n in numbers if n.isdigit()), default=0) + 1
    digest = hashlib.sha256()
    for content in contents:
        digest.update(content)
    return f"{number:06d}-{digest.hexdigest()[:8]}"


def _weights(*modules: torch.nn.Module) -> Iterator[memoryview]:
    for module in modules:
        for value in module.state_dict().values():
            yield value.detach().cpu().contiguous().numpy().data


def _bytes(content: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
