"""How a command ends: errors as one line, signals, exit codes. Not here: what a command does."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from io import TextIOWrapper
from types import FrameType
from typing import NoReturn

from errors import InputError
from training.distributed.process_group import speaker

DONE, REFUSED, INTERRUPTED = 0, 2, 130

MODULES = "CODEASSIST_MODULES"
"""Environment variable: names of modules to import first, with commas between them."""

AGAIN = 0.05
"""Seconds after which an interrupt that came during an import is tried again."""


def ended(command: Callable[[], int]) -> int:
    """Runs a command and returns its exit code: 0 done, 2 bad input or a failed check, 130 interrupted.

    An `InputError` becomes its one line on stderr, and so does a full disk; a reader that closed our output early
    (`| head`), or no output at all (`>&-`), is no error. Bugs keep their traceback. Of several processes under
    `torchrun` rank 0 says what is wrong with the input, the others end in the same way and say nothing, once they have
    found one another.
    """
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 (as long as the process)
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _interrupt)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr is: a path may not fit the terminal's encoding
    try:
        _import_what_is_added()
        code = command()
        sys.stdout.flush()
        return code
    except InputError as error:
        _say("error", error)
        return REFUSED
    except KeyboardInterrupt as interrupt:
        if str(interrupt):
            _say("interrupted", interrupt)
        return INTERRUPTED
    except BrokenPipeError:
        _drop_output()
        return DONE
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        _drop_output()
        print(f"error: {error.filename or 'output'}: {error.strerror}", file=sys.stderr)
        return REFUSED


def leave(code: int) -> NoReturn:
    """Ends the process; what `ended` has answered is saved and said, so an interrupt has nothing left to do."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # also after Python has let go of its own handlers
    sys.exit(code)


def _import_what_is_added() -> None:
    """Modules that a person adds, by name in `MODULES`: importing them registers backbones, embedders, rewards."""
    for name in filter(None, map(str.strip, os.environ.get(MODULES, "").split(","))):
        try:
            import_module(name)
        except ImportError as error:
            raise InputError(MODULES, f"{name} cannot be imported: {error}") from error


def _say(what: str, reason: BaseException) -> None:
    if (who := speaker()) is not None:
        print(f"{what}: {who}{reason}", file=sys.stderr)


def _drop_output() -> None:
    """Python flushes stdout once more when it exits; that must not find what cannot be written to again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Asked to end (SIGTERM) is the same as Ctrl+C: what must outlive the process is saved on the way out.

    What is raised inside an import may be lost (modules try others, the import system has callbacks) or leave half a
    module behind, so an interrupt waits for the import's end.
    """
    if not _importing(frame):
        raise KeyboardInterrupt
    if not _waiting.is_set():
        _waiting.set()
        again = threading.Timer(AGAIN, _ask_again, (number,))
        again.daemon = True
        again.start()


def _importing(frame: FrameType | None) -> bool:
    while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib"):
        frame = frame.f_back
    return frame is not None


def _ask_again(number: int) -> None:
    _waiting.clear()
    os.kill(os.getpid(), number)


_waiting = threading.Event()
