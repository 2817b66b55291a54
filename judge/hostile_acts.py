"""A program that tries what a sandbox should stop, and prints the names of the acts that succeeded.

Run as a person's code would be, with a JSON object of targets on standard input (see `sandbox`); harmless where it
succeeds. An act raises OSError (or another exception) where it is refused. Not here: what a level claims to stop.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import json
import mmap
import os
import platform
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Targets = dict[str, Any]
ACTS: dict[str, Callable[[Targets], None]] = {}

_NUMBERS = {
    "x86_64": {"bpf": 321, "perf_event_open": 298, "userfaultfd": 323, "keyctl": 250, "process_vm_readv": 310},
    "aarch64": {"bpf": 280, "perf_event_open": 241, "userfaultfd": 282, "keyctl": 219, "process_vm_readv": 270},
}
_IO_URING_SETUP = 425
_REFUSALS = (errno.EPERM, errno.EACCES, errno.ENOSYS, errno.ESRCH)
_NEW_USER, _PTRACE_SEIZE = 0x10000000, 0x4206


def act(function: Callable[[Targets], None]) -> Callable[[Targets], None]:
    """Adds an act under the function's name."""
    ACTS[function.__name__] = function
    return function


def system_call(number: int, *arguments: Any) -> None:
    """A raw system call. Raises OSError: it is refused or unknown; any other failure shows that it was let in."""
    libc = ctypes.CDLL(None, use_errno=True)
    words = [ctypes.c_long(argument) if isinstance(argument, int) else argument for argument in arguments]
    if libc.syscall(number, *words) < 0 and ctypes.get_errno() in _REFUSALS:
        raise OSError(ctypes.get_errno(), "refused")


def call_by_name(name: str, *arguments: Any) -> None:
    """A raw system call whose number differs between machines."""
    system_call(_NUMBERS[platform.machine()][name], *arguments)


# --- limits ----------------------------------------------------------------------------------------------------------


@act
def write_large_file(targets: Targets) -> None:
    Path("large").write_bytes(bytes(targets["file_size"] + 2**20))


@act
def open_many_files(targets: Targets) -> None:
    with contextlib.ExitStack() as files:
        for _ in range(200):
            files.enter_context(Path(os.devnull).open("rb"))


@act
def raise_limits(targets: Targets) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    if hard == resource.RLIM_INFINITY:
        return
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * hard, 2 * hard))


@act
def use_inherited_descriptor(targets: Targets) -> None:
    for descriptor in range(3, 1024):
        with contextlib.suppress(OSError):
            os.fstat(descriptor)
            return
    raise OSError("there are none")


@act
def take_memory(targets: Targets) -> None:
    mmap.mmap(-1, targets["memory"] + 2**28).close()


# --- files -----------------------------------------------------------------------------------------------------------


@act
def read_file(targets: Targets) -> None:
    Path(targets["file"]).read_bytes()


@act
def read_file_by_symbolic_link(targets: Targets) -> None:
    Path("symbolic").symlink_to(targets["file"])
    Path("symbolic").read_bytes()


@act
def read_file_by_hard_link(targets: Targets) -> None:
    os.link(targets["file"], "hard")
    Path("hard").read_bytes()


@act
def list_folder(targets: Targets) -> None:
    list(Path(targets["folder"]).iterdir())


@act
def write_file(targets: Targets) -> None:
    Path(targets["folder"], "written").write_bytes(b"x")


@act
def truncate_file(targets: Targets) -> None:
    os.close(os.open(targets["file"], os.O_RDONLY | os.O_TRUNC))


@act
def change_library(targets: Targets) -> None:
    os.close(os.open(os.__file__, os.O_RDWR))


@act
def read_environment_of_others(targets: Targets) -> None:
    Path(f"/proc/{targets['process']}/environ").read_bytes()


@act
def write_shared_memory(targets: Targets) -> None:
    path = Path("/dev/shm/hostile")
    path.write_bytes(b"x")
    path.unlink()


@act
def see_that_file_exists(targets: Targets) -> None:
    Path(targets["file"]).stat()


@act
def change_mode(targets: Targets) -> None:
    Path(targets["file"]).chmod(0o644)


# --- network ---------------------------------------------------------------------------------------------------------


@act
def connect_tcp(targets: Targets) -> None:
    with socket.socket() as connection:
        connection.settimeout(1)
        connection.connect(("127.0.0.1", targets["tcp_port"]))


@act
def send_udp(targets: Targets) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.sendto(b"x", ("127.0.0.1", targets["udp_port"]))


@act
def connect_unix(targets: Targets) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(targets["unix_path"])


@act
def connect_abstract(targets: Targets) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect("\0" + targets["abstract_name"])


@act
def make_socket(targets: Targets) -> None:
    socket.socket().close()


@act
def make_socket_pair(targets: Targets) -> None:
    for end in socket.socketpair():
        end.close()


# --- processes -------------------------------------------------------------------------------------------------------


@act
def fork(targets: Targets) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


@act
def run_program(targets: Targets) -> None:
    os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)


@act
def execute(targets: Targets) -> None:
    try:
        os.execv("/nonexistent", ["nonexistent"])
    except FileNotFoundError:
        return


@act
def make_program_in_memory(targets: Targets) -> None:
    os.close(os.memfd_create("program"))


@act
def signal_others(targets: Targets) -> None:
    os.kill(targets["process"], 0)


@act
def signal_itself(targets: Targets) -> None:
    os.kill(os.getpid(), signal.SIGCONT)


@act
def trace_others(targets: Targets) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(_PTRACE_SEIZE, targets["process"], None, None) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")


@act
def read_memory_of_others(targets: Targets) -> None:
    buffer = ctypes.create_string_buffer(8)
    vector = (ctypes.c_uint64 * 2)(ctypes.addressof(buffer), 8)
    call_by_name("process_vm_readv", targets["process"], vector, 1, vector, 1, 0)


@act
def limit_others(targets: Targets) -> None:
    resource.prlimit(targets["process"], resource.RLIMIT_CORE)


@act
def move_others(targets: Targets) -> None:
    os.sched_setaffinity(targets["process"], os.sched_getaffinity(0))


@act
def have_signals_sent(targets: Targets) -> None:
    reading, writing = os.pipe()
    try:
        fcntl.fcntl(reading, fcntl.F_SETOWN, os.getpid())
    finally:
        os.close(reading)
        os.close(writing)


@act
def make_user_namespace(targets: Targets) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_USER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


@act
def use_keyring(targets: Targets) -> None:
    call_by_name("keyctl", 0, -3, 1, 0, 0)


@act
def load_kernel_program(targets: Targets) -> None:
    call_by_name("bpf", 0, None, 0)


@act
def use_io_uring(targets: Targets) -> None:
    system_call(_IO_URING_SETUP, 0, None)


@act
def handle_page_faults(targets: Targets) -> None:
    call_by_name("userfaultfd", 0x7FFFFFFF)


@act
def measure_performance(targets: Targets) -> None:
    call_by_name("perf_event_open", None, 0, -1, -1, 0)


@act
def start_many_threads(targets: Targets) -> None:
    """The last act, as the process may be ended for it."""
    threading.stack_size(2**16)
    over = threading.Event()
    started: list[threading.Thread] = []
    try:
        for _ in range(80):
            thread = threading.Thread(target=over.wait)
            thread.start()
            started.append(thread)
        time.sleep(0.2)  # so that somebody who watches can see them
    finally:
        over.set()
        for thread in started:
            thread.join()


def main() -> None:
    """Tries all acts; prints the name of each that succeeded, one a line."""
    targets = json.load(sys.stdin)
    for name, function in ACTS.items():
        try:
            function(targets)
        except Exception:
            continue
        print(name, flush=True)


if __name__ == "__main__":
    main()
