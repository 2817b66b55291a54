"""What a process does before it imports anything else: standard streams that exist, a Ctrl+C that ends it quietly.

Entry points call `prepare_process` above their other imports. Not here: how a command ends (`app.main_wrapper`).
"""

from __future__ import annotations

import io
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

INTERRUPTED = 130

STARTED = time.monotonic()
"""When this process began to import what it needs."""


def prepare_process() -> None:
    """Opens missing standard streams, makes stderr forgiving, ends at once on a signal: nothing is to be saved yet.

    On SIGINT also where a shell ignores it for a job in the background, which is asked to end by a signal, too; a
    SIGHUP that is ignored (`nohup`) stays so.
    """
    _open_missing_descriptors()
    replace_missing_streams()
    signal.signal(signal.SIGINT, _exit_at_once)
    signal.signal(signal.SIGTERM, _exit_at_once)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _exit_at_once)


def append_current_folder() -> None:
    """Puts the current folder last on the path of imports: plug-ins in it are found, and hide none of our modules."""
    with suppress(FileNotFoundError):  # the current folder may have been removed
        sys.path.append(os.getcwd())  # noqa: PTH109 (pathlib imports much, before Ctrl+C is quiet)


def announce_loading() -> None:
    """A first sign of life on stderr where PyTorch is about to be imported, which takes seconds."""
    if "torch" not in sys.modules:
        print("loading PyTorch ...", file=sys.stderr, flush=True)


@contextmanager
def transient_line(text: str) -> Iterator[None]:
    """Shows `text` on stderr during the block, if that is a terminal: of quick commands nothing but results stays."""
    is_terminal = sys.stderr.isatty()
    if is_terminal:
        print(text, end="", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        if is_terminal:
            print("\r" + " " * len(text) + "\r", end="", file=sys.stderr, flush=True)


def forgiving_stderr() -> None:
    """Lets writes to stderr that fail (full, closed, hung up) pass: they change neither exit code nor results.

    Leaves a stream alone that somebody else put in place of the process's own.
    """
    if sys.stderr is sys.__stderr__ and isinstance(sys.stderr, io.TextIOWrapper):
        raw = _ForgivingFile(sys.stderr.fileno(), "w", closefd=False)
        sys.stderr = io.TextIOWrapper(
            io.BufferedWriter(raw), encoding=sys.stderr.encoding, errors="backslashreplace", line_buffering=True
        )


class _ForgivingFile(io.FileIO):
    """A file whose writes never fail."""

    def write(self, content: bytes) -> int:  # type: ignore[override]
        try:
            return super().write(content) or len(content)
        except OSError:
            return len(content)


def _open_missing_descriptors() -> None:
    """Without this the first file that is opened gets the number of a closed stream, and with it what is printed."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)


def replace_missing_streams() -> None:
    """A stream that was closed at the start is None, and what is printed to such a stderr goes to stdout."""
    if sys.stdout is None:
        sys.stdout = _null_stream()
    if sys.stderr is None:
        sys.stderr = _null_stream()
    forgiving_stderr()


def _null_stream() -> io.TextIOWrapper:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 (as long as the process)


def _exit_at_once(number: int, frame: FrameType | None) -> None:
    os._exit(INTERRUPTED)
