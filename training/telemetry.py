"""A record of every run: to a local file always, over HTTP only to an address that the person configured.

Records say when, how long, how it ended, counts, metrics and versions. Never in them: code, paths, names, messages of
errors (they quote files). Telemetry neither fails nor delays a run: what cannot be written or sent is dropped.
"""

from __future__ import annotations

import os
import platform
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import files
import strict_json
from config import VERSION
from data_paths import DataPaths
from errors import InputError
from training.runs.observer import Row
from training.runs.telemetry_url import check_telemetry_url

SEND_TIMEOUT = 2.0
"""Seconds that sending one record may take in its background thread."""

FINAL_SEND_TIMEOUT = 0.5
"""Seconds that a run which has ended waits for its last record to be sent."""

Value = str | int | float | bool | None


@dataclass(frozen=True)
class Telemetry:
    """Where records go. `folder` None: telemetry is off; `url` None: the local file only."""

    folder: Path | None
    url: str | None = None
    clock: Callable[[], float] = time.time

    @contextmanager
    def run(self, command: str, **settings: Value) -> Iterator[RunRecord]:
        """Records a run of `command`: a line when it starts, and one when it ends, however it ends.

        outcome: done, refused (bad input), interrupted, or failed with the error's class.
        """
        run = RunRecord(uuid.uuid4().hex, command)
        started = self.clock()
        start = {"time": _utc(started), "settings": settings, "versions": _versions()}
        self._write({"event": "start", **run.head(), **start})
        outcome, error = "failed", None
        try:
            yield run
            outcome = "done"
        except BaseException as caught:
            outcome, error = _outcome(caught)
            raise
        finally:
            ended = self.clock()
            end = {"time": _utc(ended), "seconds": round(ended - started, 3), "outcome": outcome, "error": error}
            thread = self._write({"event": "end", **run.head(), **end, **run.body()})
            if thread is not None:
                thread.join(FINAL_SEND_TIMEOUT)

    def _write(self, record: dict[str, object]) -> threading.Thread | None:
        if self.folder is None:
            return None
        line = strict_json.dumps(record)
        with suppress(InputError):
            files.append_line(self.folder / "runs.jsonl", line)
        if self.url is None:
            return None
        thread = threading.Thread(target=_send, args=(self.url, line), daemon=True)
        thread.start()
        return thread


@dataclass
class RunRecord:
    """What one run adds to its record while it goes on."""

    id: str
    command: str
    counts: dict[str, int] = field(default_factory=dict)
    metrics: dict[str, float | None] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    """By phase."""

    def head(self) -> dict[str, object]:
        return {"run": self.id, "command": self.command}

    def body(self) -> dict[str, object]:
        seconds = {phase: round(value, 3) for phase, value in self.seconds.items()}
        return {"counts": self.counts, "metrics": self.metrics, "phase_seconds": seconds}


class TelemetryObserver:
    """An observer (see `training.runs.observer`) that adds phases' durations and last metrics to a run's record."""

    def __init__(self, run: RunRecord) -> None:
        self.run = run
        self.last = time.monotonic()
        self.name = ""

    def phase(self, name: str, total_steps: int) -> None:
        self.advance(0)
        self.name = name

    def advance(self, n: int = 1) -> None:
        now = time.monotonic()
        if self.name:
            self.run.seconds[self.name] = self.run.seconds.get(self.name, 0.0) + now - self.last
        self.last = now

    def metrics(self, row: Row) -> None:
        self.advance(0)
        self.run.metrics.update({f"{self.name}.{k}": float(v) for k, v in row.items() if isinstance(v, float)})

    def message(self, text: str) -> None:
        pass


def telemetry(*, off: bool = False, url: str | None = None) -> Telemetry:
    """As the person configured it: `off` or `DISABLE_TELEMETRY=1` ends all of it; `url` or `TELEMETRY_URL` adds HTTP.

    Raises InputError for an address that cannot work: who configures one wants to know.
    """
    if off or os.environ.get("DISABLE_TELEMETRY", "").strip().lower() in ("1", "true", "yes"):
        return Telemetry(None)
    url = url or os.environ.get("TELEMETRY_URL") or None
    if url is not None:
        check_telemetry_url(url, "TELEMETRY_URL")
    return Telemetry(DataPaths.default().telemetry, url)


def _outcome(error: BaseException) -> tuple[str, str | None]:
    if isinstance(error, InputError):
        return "refused", None
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", None
    return "failed", type(error).__name__


def _send(url: str, line: str) -> None:
    import urllib.request

    # Whatever goes wrong out there (or with the address) is no concern of the run.
    with suppress(Exception):
        request = urllib.request.Request(url, line.encode(), {"Content-Type": "application/json"}, method="POST")
        urllib.request.urlopen(request, timeout=SEND_TIMEOUT).close()


def _versions() -> dict[str, str | None]:
    def installed(name: str) -> str | None:
        with suppress(PackageNotFoundError):
            return version(name)
        return None

    return {
        "codeassist-policy": VERSION,
        "python": platform.python_version(),
        "system": platform.system(),
        "torch": installed("torch"),
        "numpy": installed("numpy"),
    }


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
