"""How a command ends: errors as one line, signals, exit codes. Not here: what a command does."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from io import TextIOWrapper
from types import FrameType

from errors import InputError

DONE, REFUSED, INTERRUPTED = 0, 2, 130


def ended(command: Callable[[], int]) -> int:
    """Runs a command and returns its exit code: 0 done, 2 bad input or a failed check, 130 interrupted.

    An `InputError` becomes its one line on stderr; a reader that closed our output early (`| head`) is no error.
    Bugs keep their traceback.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr is: a path may not fit the terminal's encoding
    try:
        code = command()
        sys.stdout.flush()
        return code
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Python flushes stdout once more when it exits; that must not find the closed pipe again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Asked to end (SIGTERM) is the same as Ctrl+C: what must outlive the process is saved on the way out."""
    raise KeyboardInterrupt
