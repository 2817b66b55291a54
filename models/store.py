"""The persisted models: three files that are replaced together or not at all, and their earlier generations.

    <pv_dir>/asm_assistant_model.pt, asm_human_model.pt, asm_featurizer.pt     what is in use
    <pv_dir>/generations/<id>/                                                the same files and about.json, kept
    <pv_dir>/replacing.json                                                   only during a replacement: its id

A replacement first writes a generation, then `replacing.json` (from here on the new models are in force), then the
three files. Whoever finds `replacing.json` reads from the generation that it names, and the next writer ends what was
begun; so a process may be killed at any moment, and a reader never gets files of two generations.
Not here: when to replace models (`training`), what is in a file (`checkpoint.py`).
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from errors import InputError
from featurizers import Featurizer
from files import atomic_write, lock, make_folder, naming, sync_folder
from models import checkpoint
from models.policy import Policy

ASSISTANT, HUMAN, FEATURIZER = FILES = ("asm_assistant_model.pt", "asm_human_model.pt", "asm_featurizer.pt")
GENERATIONS, JOURNAL, ABOUT, LOCK = "generations", "replacing.json", "about.json", ".store.lock"

KEPT = 8
"""Generations that are kept for a roll-back, the one in use included."""

ATTEMPTS, PAUSE = 50, 0.02
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
    """A kept set of models. created: ISO 8601, UTC; current: whether it is in use."""

    id: str
    created: str
    meta: dict[str, Any]
    current: bool


def publish(
    pv_dir: Path,
    human: Policy,
    assistant: Policy,
    featurizer: Featurizer,
    meta: dict[str, Any],
    *,
    now: Callable[[], float] = time.time,
) -> str:
    """Puts models in force and returns their generation's id. Raises InputError (disk full, read-only): the old stay.

    meta: plain values, with `trained_on` among them; `created` is added.
    """
    with lock(pv_dir / LOCK, wait=True):
        _finish(pv_dir)
        _keep_what_is_there(pv_dir, now)
        meta = {"created": _iso(now()), **meta}
        generation = _next_id(pv_dir, human, assistant, featurizer)
        about = {"generation": generation, "meta": meta}
        contents = {
            ASSISTANT: _bytes(checkpoint.policy_checkpoint(assistant, **about)),
            HUMAN: _bytes(checkpoint.policy_checkpoint(human, **about)),
            FEATURIZER: _bytes(checkpoint.featurizer_checkpoint(featurizer, **about)),
        }
        _write_generation(pv_dir, generation, contents, meta)
        _switch(pv_dir, generation)
        _prune(pv_dir, generation)
    return generation


def load(pv_dir: Path, device: torch.device | str = "cpu", expect_backbone: str | None = None) -> Models | None:
    """The models in force, None if there are none.

    Raises InputError that names the file if one of the three is missing, damaged, does not fit the others, or has
    another backbone than the one expected.
    """
    for _ in range(ATTEMPTS):
        folder, contents = _read(pv_dir)
        if not contents:
            return None
        missing = [name for name in FILES if name not in contents]
        if missing and not (pv_dir / JOURNAL).exists():
            raise InputError(str(folder / missing[0]), f"is missing, though {next(iter(contents))} is there")
        if not missing:
            loaded = {name: checkpoint.read(pv_dir / name, contents[name]) for name in FILES}
            generations = [_config(loaded[name]).get("generation") for name in FILES]
            if len(set(map(str, generations))) == 1:
                return _models(pv_dir, loaded, device, expect_backbone)
        time.sleep(PAUSE)
    raise InputError(str(pv_dir), f"the files {', '.join(FILES)} are not from the same training")


def generations(pv_dir: Path) -> list[Generation]:
    """What is kept, oldest first."""
    current = _current(pv_dir)
    found = []
    for path in sorted((pv_dir / GENERATIONS).glob(f"*/{ABOUT}")):
        about = _about(path)
        if about is not None:
            found.append(Generation(path.parent.name, about["created"], about["meta"], path.parent.name == current))
    return sorted(found, key=lambda generation: (generation.created, generation.id))


def roll_back(pv_dir: Path, generation: str | None = None) -> Generation:
    """Puts an earlier generation in force again (by default the one before the current). Raises InputError."""
    with lock(pv_dir / LOCK, wait=True):
        _finish(pv_dir)
        _keep_what_is_there(pv_dir, time.time)
        kept = generations(pv_dir)
        ids = [one.id for one in kept]
        if generation is None:
            place = next((i for i, one in enumerate(kept) if one.current), len(kept))
            if place == 0:
                raise InputError(str(pv_dir), "there are no earlier models to go back to")
            generation = ids[place - 1]
        if generation not in ids:
            raise InputError(
                str(pv_dir), f"there is no generation {generation!r}; there are {', '.join(ids) or 'none'}"
            )
        _switch(pv_dir, generation)
        return next(one for one in generations(pv_dir) if one.id == generation)


def _models(
    pv_dir: Path, loaded: dict[str, dict[str, Any]], device: torch.device | str, expect_backbone: str | None
) -> Models:
    human = checkpoint.policy_from(loaded[HUMAN], str(pv_dir / HUMAN), device, expect_backbone)
    assistant = checkpoint.policy_from(loaded[ASSISTANT], str(pv_dir / ASSISTANT), device, expect_backbone)
    featurizer = checkpoint.featurizer_from(loaded[FEATURIZER], str(pv_dir / FEATURIZER), device)
    for name, policy in ((HUMAN, human), (ASSISTANT, assistant)):
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


def _read(pv_dir: Path) -> tuple[Path, dict[str, bytes]]:
    """The folder that the models in force are in, and those of the three files that are there."""
    folder = pv_dir
    begun = _journal(pv_dir)
    if begun is not None:
        folder = pv_dir / GENERATIONS / begun
    contents = {}
    for name in FILES:
        path = folder / name
        with naming(path), suppress(FileNotFoundError):
            contents[name] = path.read_bytes()
    return folder, contents


def _journal(pv_dir: Path) -> str | None:
    """The generation that a replacement, begun and not yet ended, puts in force."""
    with naming(pv_dir / JOURNAL):
        try:
            generation = json.loads((pv_dir / JOURNAL).read_text())["generation"]
        except (FileNotFoundError, NotADirectoryError):
            return None
    return str(generation) if (pv_dir / GENERATIONS / str(generation) / ABOUT).exists() else None


def _switch(pv_dir: Path, generation: str) -> None:
    """Puts a kept generation in force. What can fail for want of space comes before the journal."""
    staged = _stage(pv_dir, generation)
    atomic_write(pv_dir / JOURNAL, json.dumps({"generation": generation}))
    _replace(pv_dir, staged)


def _finish(pv_dir: Path) -> None:
    """Ends a replacement that a killed process began, and removes what it left lying about."""
    begun = _journal(pv_dir)
    if begun is not None:
        _replace(pv_dir, _stage(pv_dir, begun))
    for leftover in (*pv_dir.glob(".staged-*"), *(pv_dir / GENERATIONS).glob(".*")):
        shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()


def _stage(pv_dir: Path, generation: str) -> dict[Path, Path]:
    staged = {pv_dir / f".staged-{name}": pv_dir / name for name in FILES}
    for temporary, final in staged.items():
        atomic_write(temporary, (pv_dir / GENERATIONS / generation / final.name).read_bytes())
    return staged


def _replace(pv_dir: Path, staged: dict[Path, Path]) -> None:
    with naming(pv_dir):
        for temporary, final in staged.items():
            temporary.replace(final)
        sync_folder(pv_dir)
        (pv_dir / JOURNAL).unlink(missing_ok=True)


def _write_generation(pv_dir: Path, generation: str, contents: dict[str, bytes], meta: dict[str, Any]) -> None:
    """Writes a generation's folder, whole or not at all."""
    folder = make_folder(pv_dir / GENERATIONS)
    temporary = folder / f".{generation}"
    about = {"created": meta["created"], "meta": meta, "sha256": {n: _sha256(c) for n, c in contents.items()}}
    try:
        for name, content in contents.items():
            atomic_write(temporary / name, content)
        atomic_write(temporary / ABOUT, json.dumps(about, indent=1))
        with naming(folder):
            temporary.replace(folder / generation)
            sync_folder(folder)
    except InputError:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _keep_what_is_there(pv_dir: Path, now: Callable[[], float]) -> None:
    """Keeps models that came from elsewhere (imported, copied) as a generation before they are replaced."""
    _, contents = _read(pv_dir)
    if len(contents) == len(FILES) and _current(pv_dir) is None:
        generation = "found-" + _sha256(b"".join(contents.values()))[:12]
        created = _iso(min(now(), (pv_dir / ASSISTANT).stat().st_mtime))
        _write_generation(pv_dir, generation, contents, {"created": created, "trained_on": "imported"})


def _current(pv_dir: Path) -> str | None:
    """The generation whose files are in force; None: there is none, or they are kept nowhere."""
    _, contents = _read(pv_dir)
    sums = {name: _sha256(content) for name, content in contents.items()}
    for path in sorted((pv_dir / GENERATIONS).glob(f"*/{ABOUT}")):
        about = _about(path)
        if about is not None and about["sha256"] == sums:
            return path.parent.name
    return None


def _about(path: Path) -> dict[str, Any] | None:
    """What is said of a generation; None if the file is damaged (then it is no generation)."""
    try:
        about = json.loads(path.read_text())
        return about if {"created", "meta", "sha256"} <= about.keys() else None
    except (OSError, ValueError, AttributeError):
        return None


def _prune(pv_dir: Path, current: str) -> None:
    for old in generations(pv_dir)[:-KEPT]:
        if old.id != current:
            shutil.rmtree(pv_dir / GENERATIONS / old.id, ignore_errors=True)


def _next_id(pv_dir: Path, *modules: torch.nn.Module) -> str:
    """A number that counts up, and a few digits that tell these weights from others."""
    numbers = [path.name.split("-")[0] for path in (pv_dir / GENERATIONS).glob("*-*")]
    number = max((int(n) for n in numbers if n.isdigit()), default=0) + 1
    digest = hashlib.sha256()
    for module in modules:
        for value in module.state_dict().values():
            digest.update(value.detach().cpu().contiguous().numpy().data)
    return f"{number:06d}-{digest.hexdigest()[:8]}"


def _bytes(content: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
