"""How a command ends: errors as one line, signals, exit codes. Not here: what a command does."""

from __future__ import annotations

import errno
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from io import TextIOWrapper
from types import FrameType
from typing import NoReturn

from app.startup import INTERRUPTED, replace_missing_streams
from config import MODULES
from errors import InputError, printable
from files import input_error
from training.distributed.process_group import has_process_group, message_prefix

DONE, REFUSED = 0, 2

RETRY_SECONDS = 0.05
"""After this time an interrupt that came during an import is tried again."""

_DEPENDENCIES = frozenset({"torch", "numpy", "tqdm"})

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

_FILE_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG, errno.ELOOP, errno.EIO)
"""What a person's files and folders may answer at any place; a file that does not exist may be a bug."""

_OUT_OF_MEMORY = re.compile(r"can't allocate memory|out of memory", re.IGNORECASE)
"""What PyTorch says in a RuntimeError when memory is used up, on a CPU and on a GPU."""


def run_command(command: Callable[[], int]) -> int:
    """Runs a command and returns its exit code: 0 done, 2 bad input or a failed check, 130 interrupted.

    An `InputError` becomes one line on stderr, and so do a full disk or memory, a file that the system refuses and a
    dependency that is not installed.
    A reader that closed our output early (`| head`), or streams that are closed or full, are no errors of the command,
    except for a full stdout. Bugs keep their traceback. SIGTERM and SIGHUP end a command as Ctrl+C does; a SIGHUP that
    is ignored (`nohup`) stays so. Of several processes under `torchrun` rank 0 says what is wrong with the input; the
    others end in the same way and say nothing, once they are connected.
    """
    replace_missing_streams()
    _install_handlers()
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr is: a path may not fit the terminal's encoding
    try:
        import_plugins()
        code = command()
        sys.stdout.flush()
        return code
    except KeyboardInterrupt as interrupt:
        if str(interrupt):
            _report("interrupted", str(interrupt))
        return INTERRUPTED
    except BrokenPipeError:
        _drop_output()
        return DONE
    except (InputError, MemoryError, OSError, RuntimeError, ModuleNotFoundError) as error:
        line = _readable(error)
        if line is None:
            raise
        if isinstance(error, OSError) and error.errno in _DISK_FULL:
            _drop_output()
        _report("error", line)
        return REFUSED


def exit_with(code: int) -> NoReturn:
    """Ends the process. What `run_command` returned is saved and reported, so a late signal changes nothing."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # also after Python has let go of its own handlers
    if code != DONE and has_process_group():
        _exit_without_cleanup(code)
    sys.exit(code)


def _exit_without_cleanup(code: int) -> NoReturn:
    """Ends one of several processes after an error: PyTorch's threads may abort it while they are taken down."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


@contextmanager
def output_after(change: str) -> Iterator[None]:
    """For the output that follows a change: if stdout is full, the error says that the change was made."""
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        if error.errno in _DISK_FULL and error.filename is None:
            raise OSError(error.errno, f"{error.strerror}; {change}") from error
        raise


def import_plugins() -> None:
    """Imports the modules that `CODEASSIST_MODULES` names, which register backbones, embedders and rewards.

    Raises InputError if one cannot be imported.
    """
    for name in filter(None, map(str.strip, os.environ.get(MODULES, "").split(","))):
        try:
            import_module(name)
        except InputError:
            raise
        except Exception as error:
            raise InputError(MODULES, f"{name} cannot be imported: {type(error).__name__}: {error}") from error


def _readable(error: Exception) -> str | None:
    """The line that a person reads instead of a traceback; None: the error is a bug."""
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, ModuleNotFoundError):
        return f"{error.name}: is not installed: pip install -e ." if error.name in _DEPENDENCIES else None
    if _is_out_of_memory(error):
        return "memory: there is not enough of it; choose smaller sizes, fewer lines or fewer sessions"
    if isinstance(error, OSError) and error.errno in _DISK_FULL:
        return printable(f"{error.filename or 'output'}: {error.strerror}")
    if isinstance(error, OSError) and error.errno in _FILE_REFUSED and error.filename is not None:
        return str(input_error(str(error.filename), error))
    return None


def _is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, MemoryError) or _OUT_OF_MEMORY.search(str(error)) is not None


def _report(kind: str, reason: str) -> None:
    if (prefix := message_prefix()) is not None:
        print(f"{kind}: {prefix}{reason}", file=sys.stderr)


def _drop_output() -> None:
    """Python flushes stdout once more when it exits; that must not find what cannot be written to again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _install_handlers() -> None:
    signal.signal(signal.SIGTERM, _interrupt)
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Raises KeyboardInterrupt, so that what must outlive the process is saved on the way out.

    What is raised inside an import may be lost (modules try others, the import system has callbacks) or leave half a
    module behind, so an interrupt waits for the import's end.
    """
    if not _importing(frame):
        raise KeyboardInterrupt
    if not _waiting.is_set():
        _waiting.set()
        retry = threading.Timer(RETRY_SECONDS, _send_again, (number,))
        retry.daemon = True
        retry.start()


def _importing(frame: FrameType | None) -> bool:
    while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib"):
        frame = frame.f_back
    return frame is not None


def _send_again(number: int) -> None:
    _waiting.clear()
    os.kill(os.getpid(), number)


_waiting = threading.Event()
