"""A training in a process of its own, while this one goes on serving: `run.py --train-only`, watched and stopped.

It has a lower priority, ends with this process, and gives back its memory when it ends. Not here: learning, HTTP.
"""

from __future__ import annotations

import copy
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from data_paths import REPOSITORY, VARIABLE, DataPaths
from errors import ConflictError, InputError
from files import make_folder
from services.learning.last_training import (
    STOPPED,
    Failure,
    LastTraining,
    apply_outcome,
    forget_failure,
    has_unfinished_plan,
    point,
    points_of,
    save_failure,
    trains_elsewhere,
)
from services.learning.training_progress import OverallProgress
from services.messages.learning_messages import TrainingMessage
from state_adapter import has_recordings

LOG = "training.log"
"""File of the logs' folder that has what the last training said."""

STOP_SECONDS = 15.0
"""How long a training may take to save what it does when this process ends; then it is killed, saved a minute ago."""

COMMAND = (sys.executable, str(REPOSITORY / "run.py"), "--train-only", "--progress-fd")
"""What is started; the descriptor and the flags follow."""

WAITING, STARTING = "testing the sessions that have ended", "starting"
"""What a person is told before the first phase."""

POLL_SECONDS = 0.2
"""How often is looked whether sessions are written."""

INTERRUPTED, REFUSED = 130, 2


class TrainingProcess:
    """One training at a time, for any number of threads.

    flags: of `run.py`. wait_for_sessions: waits at most so many seconds for sessions that have ended to be written,
    returns whether they are. on_end: called when a training has ended, however it ended, before anybody is told of it.
    """

    def __init__(
        self,
        paths: DataPaths,
        flags: Sequence[str],
        *,
        wait_for_sessions: Callable[[float], bool] = lambda seconds: True,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        self._paths, self._flags = paths, flags
        self._wait_for_sessions, self._on_end = wait_for_sessions, on_end
        self._last = LastTraining(paths)
        self._lock = threading.Lock()
        self._message: TrainingMessage | None = None
        """Of the training that this process has started last."""
        self._steps = 0
        """Of the phase, at most."""
        self._progress = OverallProgress()
        self._thread: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()

    def state(self) -> TrainingMessage:
        """The training under way, or else the last one."""
        with self._lock:
            started_here = self._message
            message = None if started_here is None else copy.deepcopy(started_here)
            if message is not None and message.status == "running":
                message.seconds_left = self._progress.seconds_left()
        if message is None:
            message = self._last.state()
        message.refusal = self._refusal(message) or ""
        message.can_start = not message.refusal
        return message

    def start(self) -> None:
        """Begins a training, or goes on with the one that was stopped.

        Raises ConflictError: one is under way, here or elsewhere, or there is nothing to learn from.
        """
        with self._lock:
            refusal = self._refusal(self._message)
            if refusal:
                raise ConflictError("training", refusal)
            self._message, self._progress = TrainingMessage("running", started=_now()), OverallProgress()
            self._stopping.clear()
            self._thread = threading.Thread(target=self._run, name="training", daemon=True)
            self._thread.start()

    def stop(self) -> bool:
        """Asks the training to save what it does and to end; returns whether there is one. Twice is like once."""
        with self._lock:
            if self._message is None or self._message.status not in ("running", "stopping"):
                return False
            if not self._stopping.is_set():
                self._message.status = "stopping"
                self._stopping.set()
                self._interrupt()
        return True

    def forget(self) -> None:
        """Forgets a training that has ended: what is on the disk tells of the last one."""
        with self._lock:
            if self._message is not None and self._message.status not in ("running", "stopping"):
                self._message = None

    def close(self) -> None:
        """Stops a training that is under way and waits until it has ended, `STOP_SECONDS` at most."""
        self.stop()
        if self._thread is None:
            return
        self._thread.join(STOP_SECONDS)
        if self._thread.is_alive() and (process := self._process) is not None:
            process.kill()
            self._thread.join(STOP_SECONDS)

    def _refusal(self, message: TrainingMessage | None) -> str:
        """Why none can begin now; "": it can."""
        if message is not None and message.status in ("running", "stopping") and not message.elsewhere:
            return "one is under way already"
        if trains_elsewhere(self._paths):
            return "another process trains just now"
        if not has_recordings(self._paths.episodes):
            return "there is nothing to learn from yet: no session is recorded"
        return ""

    def _run(self) -> None:
        forget_failure(self._paths)
        try:
            self._await_sessions()
            code = None if self._stopping.is_set() else self._run_process()
            self._on_end()
            self._conclude(code)
        except Exception as error:  # whatever happens here, the person is told
            reason = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
            self._end("failed", error=f"the training could not be followed: {reason}")

    def _await_sessions(self) -> None:
        """Until the tests of sessions that have ended are known, or the training is stopped."""
        if self._message is not None and not self._wait_for_sessions(0.0):
            self._message.title = WAITING
        while not self._stopping.is_set() and not self._wait_for_sessions(POLL_SECONDS):
            pass

    def _run_process(self) -> int:
        """Starts the process and follows its events until it has ended; returns its exit code."""
        read_end, write_end = os.pipe()
        try:
            with (make_folder(self._paths.logs) / LOG).open("wb") as log:
                process = subprocess.Popen(
                    [*COMMAND, str(write_end), *self._flags],
                    stdin=subprocess.PIPE, stdout=log, stderr=log, pass_fds=(write_end,), start_new_session=True,
                    env={**os.environ, "OMP_NUM_THREADS": "1", VARIABLE: str(self._paths.root.absolute())},
                )  # fmt: skip
        except BaseException:
            os.close(read_end)
            raise
        finally:
            os.close(write_end)
        with self._lock:
            self._process = process
            if self._message is not None:
                self._message.title = STARTING
            if self._stopping.is_set():
                self._interrupt()
        with process, os.fdopen(read_end, encoding="utf-8", errors="replace") as stream:
            for line in stream:
                self._note(line)
            return process.wait()

    def _interrupt(self) -> None:
        """Once: a second signal would end it before it has saved."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def _note(self, line: str) -> None:
        """Takes an event; one that was torn by a kill says nothing."""
        try:
            event = json.loads(line)
            with self._lock:
                assert self._message is not None
                self._take(self._message, event)
        except (ValueError, LookupError, TypeError):
            return

    def _take(self, message: TrainingMessage, event: dict[str, Any]) -> None:
        match event["event"]:
            case "phase":
                message.phase, message.title, message.epochs = event["name"], event["title"], event["epochs"]
                message.epoch, message.share, self._steps = min(1, message.epochs), 0.0, event["steps"]
                self._progress.begin(event["name"], event["steps"], event["plan"])
                message.overall_share = self._progress.share
            case "advance":
                message.share = min(event["steps"] / self._steps, 1.0) if self._steps else 0.0
                self._progress.advance(event["steps"])
                message.overall_share = self._progress.share
            case "epoch":
                ended = point(event["row"])
                earlier = [] if message.points else points_of(self._paths.run, event["row"].get("run_id"))
                known = {
                    (epoch_point.phase, epoch_point.epoch) for epoch_point in message.points
                }  # the file may be ahead of the events
                message.points += [
                    epoch_point
                    for epoch_point in earlier or [ended]
                    if (epoch_point.phase, epoch_point.epoch) not in known
                ]
                message.epoch = min(ended.epoch + 1, message.epochs)
            case "message":
                message.lines.append(event["text"])
            case "outcome":
                message.share = message.overall_share = 1.0
                apply_outcome(message, event["outcome"])
                if event["outcome"]["nothing_new"]:
                    self._recall(message)

    def _recall(self, message: TrainingMessage) -> None:
        """Shows what the last run came to beside the word that nothing is new."""
        last = self._last.state()
        message.sessions, message.table, message.points = last.sessions, last.table, last.points

    def _conclude(self, code: int | None) -> None:
        """Says how the training has ended. code: the exit code; None: it was stopped before its process began."""
        message = self._message
        assert message is not None
        if code == 0 and message.ended is not None:
            self._end("done")
        elif code is None or code == INTERRUPTED or (self._stopping.is_set() and code == -signal.SIGTERM):
            line = STOPPED if has_unfinished_plan(self._paths) else "It was stopped before anything was learned."
            self._end("stopped", line=line)
        else:
            self._end("failed", error=self._why(code))

    def _why(self, code: int) -> str:
        """Why it failed, in words, with the log's last line."""
        last_line = _last_line(self._paths.logs / LOG)
        if code in (0, REFUSED):
            return last_line.removeprefix("error: ")
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        return f"the training process {how}; the last line of {self._paths.logs / LOG}: {last_line}"

    def _end(self, status: str, *, line: str = "", error: str | None = None) -> None:
        assert self._message is not None
        if error is not None and not self._stopping.is_set():  # what was stopped goes on, however it ended
            with suppress(InputError):  # then nobody is told of it after a restart
                save_failure(self._paths, Failure(self._message.started, _now(), error))
        with self._lock:
            self._message.status = status  # type: ignore[assignment]
            self._message.error = error
            self._message.ended = self._message.ended or _now()
            self._message.lines += [line] if line else []
            self._process = None


def _last_line(log: Path) -> str:
    """ "": it cannot be read, or says nothing."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
