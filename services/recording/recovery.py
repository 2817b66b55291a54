"""What a crash, a kill or a power cut left behind: sessions without an end, and sessions without a snapshot.

Nothing that is whole is taken away: of a last line that is torn only the torn piece goes. A session that another
server records at this moment is locked and left alone. Not here: recording, testing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path

from errors import ConflictError, InputError
from files import translate_os_errors
from services.recording.append_log import LogFile
from state_adapter import ACTIVITY, CHANGES, snapshot_path, stream_path

_BLOCK = 2**16
"""Bytes that are read at a time in search of the last line."""


def recover_sessions(folders: Iterable[Path], queue: Callable[[Path], None], now: Callable[[], int]) -> list[str]:
    """Ends the sessions in the folders that have no end, hands all without a snapshot to `queue`.

    now: milliseconds since 1970. Returns a line of words for each session that was not whole.
    """
    lines = []
    for stream in [stream for folder in folders for stream in _streams_without_snapshot(folder)]:
        try:
            report = _recover(stream, now)
        except ConflictError:
            continue  # another server is at it
        except InputError as error:
            report = f"session {stream.stem}: cannot be ended ({error})"
        else:
            if stream.exists():
                queue(stream)
        lines += [report] if report else []
    return lines


def _streams_without_snapshot(folder: Path) -> Iterator[Path]:
    try:
        sessions = sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError:  # nothing was ever recorded there
        return
    for session in sessions:
        stream = stream_path(session, session.name)
        if stream.is_file() and not snapshot_path(folder, session.name).exists():
            yield stream


def _recover(stream: Path, now: Callable[[], int]) -> str | None:
    """Makes the session whole; returns what was wrong, None: nothing was."""
    with closing(LogFile(stream)) as file:
        was_torn = repair_end(file)
        if not file.size:
            _remove(stream)
            return f"session {stream.stem}: its process ended before it began; nothing was in it"
        if "endTime" in _parsed(last_line(file)):
            return None
        for name in (CHANGES, ACTIVITY):
            was_torn |= _repair_log(stream.with_name(name))
        file.write(json.dumps({"endTime": now()}).encode("ascii") + b"\n")
    torn = ", without the message that was being written" if was_torn else ""
    return f"session {stream.stem}: was left open and is ended now{torn}"


def repair_end(file: LogFile) -> bool:
    """Ends the last line that is whole, takes away what is torn behind it; returns whether anything was."""
    was_torn = False
    while file.size:
        line = last_line(file)
        if _parsed(line):
            if not line.endswith(b"\n"):
                file.write(b"\n")
            break
        with translate_os_errors(file.path):
            file.truncate(file.size - len(line))
        was_torn = was_torn or bool(line.strip())
    return was_torn


def last_line(file: LogFile) -> bytes:
    """The last line, with its line end if it has one."""
    length, end = _BLOCK, b""
    while len(end) < file.size:
        with translate_os_errors(file.path):
            end = file.read_end(length)
        if (start := end.rfind(b"\n", 0, len(end) - 1)) >= 0:
            return end[start + 1 :]
        length *= 8
    return end


def _parsed(line: bytes) -> dict[str, object]:
    """The object of a line; empty: it is torn."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _repair_log(path: Path) -> bool:
    if not path.is_file():
        return False
    with closing(LogFile(path)) as log:
        return repair_end(log)


def _remove(stream: Path) -> None:
    with suppress(OSError):
        stream.unlink()
        stream.parent.rmdir()
        stream.parent.parent.rmdir()
