"""A run's files, such that it can be killed at any moment and go on with the same result.

`resume.pt` is the truth: it is replaced whole, before the epoch's checkpoint and its line of the log are written; when
a run goes on, the folder is brought in line with it. Not here: what a phase keeps, when to save.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from config import TrainConfig
from errors import InputError
from files import append_line, atomic_write, translate_os_errors
from judge import Problem
from models.pt_file import atomic_torch_save, read_pt
from simulation.builtin_problems import BY_ID
from state_adapter import Episode
from training.networks.training_networks import Tensors

STATE_VERSION = 2
LOG, STATE = "train.jsonl", "resume.pt"

_FREE = ("checkpoint_dir", "pv_dir", "resume", "run_label", "device")
"""Settings that do not decide what a run computes."""
_CHECKPOINT = re.compile(r"(human|assistant)_policy_e\d+\.pt")


def fingerprint(
    config: TrainConfig, episodes: Sequence[Episode], problems: Mapping[str, Problem] = BY_ID
) -> dict[str, str]:
    """What must be the same for a run to go on: settings by name, the recordings, and their problems."""
    settings: dict[str, str] = {}

    def flatten(prefix: str, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            if isinstance(value, dict):
                flatten(f"{prefix}{name}.", value)
            elif prefix or name not in _FREE:
                settings[f"{prefix}{name}"] = str(value)

    flatten("", asdict(config))
    digest, tests = hashlib.blake2b(digest_size=6), hashlib.blake2b(digest_size=6)
    known = 0
    for episode in episodes:
        digest.update(_bytes(episode.id, episode.actions, episode.cut_off))
        for state in episode.states:
            digest.update("\n".join(state.lines).encode("utf-8", "surrogatepass"))
            digest.update(_bytes(state.t, state.cursor, state.last_known_line, state.env, sorted(state.undone)))
            digest.update(state.human.tobytes() + state.assistant.tobytes())
        digest.update(_bytes(*[state.history for state in episode.states[:1]]))
        if (problem := problems.get(episode.problem_id or "")) is not None:
            known += 1
            tests.update(_bytes(problem.key, problem.notes))
    settings["recordings"] = f"{len(episodes)} sessions ({digest.hexdigest()})"
    settings["problems"] = f"known of {known} sessions ({tests.hexdigest()})"
    return settings


def _bytes(*values: object) -> bytes:
    return repr(values).encode("utf-8", "backslashreplace")


def require_same(saved: Mapping[str, str], now: Mapping[str, str], where: Path) -> None:
    """Raises InputError that names what differs between the interrupted run and this one."""
    different = [
        f"{name} was {saved.get(name, 'not set')} and is {now.get(name, 'not set')}"
        for name in sorted({*saved, *now})
        if saved.get(name) != now.get(name)
    ]
    if different:
        what = f"cannot go on with another run: {'; '.join(different)}. Without --resume it begins anew"
        raise InputError(str(where), what)


def strict_json(row: Mapping[str, object]) -> str:
    """One line of JSON; a number that is not finite becomes null."""

    def plain(value: object) -> object:
        return None if isinstance(value, float) and not abs(value) < float("inf") else value

    return json.dumps({name: plain(value) for name, value in row.items()}, allow_nan=False)


class RunFolder:
    """`<checkpoint_dir>`: the log, the epochs' checkpoints, and the state to go on from."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> dict[str, Any] | None:
        """The saved state of the last run here; None: there is none. Raises InputError if it cannot be read."""
        path = self.path / STATE
        if not path.exists():
            return None
        saved = read_pt(path)
        if saved.get("version") != STATE_VERSION:
            raise InputError(str(path), f"is of version {saved.get('version')!r}, expected {STATE_VERSION}")
        return saved

    def save(self, state: Mapping[str, object]) -> None:
        atomic_torch_save(self.path / STATE, {"version": STATE_VERSION, **state})

    def write_checkpoint(self, name: str, weights: Tensors) -> None:
        """An epoch's checkpoint, a plain state dict."""
        atomic_torch_save(self.path / name, weights)

    def append_log(self, line: str) -> None:
        append_line(self.path / LOG, line)

    def reconcile(self, run_id: str, lines: Sequence[str], checkpoints: Sequence[str]) -> None:
        """Brings the folder in line with a state: of this run exactly these lines, and these checkpoints at most."""
        for path in self.path.glob("*_policy_e*.pt"):
            if _CHECKPOINT.fullmatch(path.name) and path.name not in checkpoints:
                with translate_os_errors(path):
                    path.unlink(missing_ok=True)
        append_log = self.path / LOG
        with translate_os_errors(append_log):
            found = append_log.read_text("utf-8", "replace").splitlines() if append_log.exists() else []
        mine = [line for line in found if _run_of(line) == run_id]
        others = [line for line in found if _run_of(line) not in (run_id, None)]
        if mine != list(lines) or len(others) + len(mine) != len(found):
            atomic_write(append_log, "".join(f"{line}\n" for line in (*others, *lines)))


def _run_of(line: str) -> str | None:
    """The run that a line of the log belongs to; None: it is torn."""
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return str(row.get("run_id")) if isinstance(row, dict) else None
