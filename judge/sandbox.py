"""What each level of protection stops, and which level holds on this machine, found by trying.

Not here: the levels themselves (`sandbox_level`), how one is set up (`worker`, `confinement`, `namespaces`,
`syscall_filter`), running code.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from errors import InputError
from judge.run_watch import Ending
from judge.sandbox_level import SandboxLevel
from judge.worker_pool import WorkerProcess

LEAST_LEVEL = SandboxLevel.SYSTEM_CALLS
"""A person's code runs below this level only if the person says so."""

PROBE_SECONDS = 60.0
"""That trying it out may take, the start of the process included; then nothing holds."""

FILE_SIZE = 4 * 2**20
"""Bytes of one file that a program writes."""

_LIMITED = frozenset((
    "write_large_file", "open_many_files", "raise_limits", "use_inherited_descriptor",
))  # fmt: skip
_OUTSIDE = frozenset((
    "take_memory", "read_file", "read_file_by_symbolic_link", "read_file_by_hard_link", "list_folder", "write_file",
    "truncate_file", "change_library", "read_environment_of_others", "write_shared_memory", "connect_tcp",
    "start_many_threads",
))  # fmt: skip
_OTHERS = frozenset((
    "send_udp", "connect_unix", "connect_abstract", "run_program", "signal_others", "trace_others",
    "read_memory_of_others", "limit_others", "move_others", "change_mode",
))  # fmt: skip
_CALLS = frozenset((
    "make_socket", "make_socket_pair", "fork", "execute", "make_program_in_memory", "signal_itself",
    "have_signals_sent", "make_user_namespace", "use_keyring", "load_kernel_program", "use_io_uring",
    "handle_page_faults", "measure_performance",
))  # fmt: skip
_HIDDEN = frozenset(("see_that_file_exists",))

CLAIMS: Mapping[SandboxLevel, frozenset[str]] = {
    SandboxLevel.NONE: frozenset(),
    SandboxLevel.LIMITS: _LIMITED,
    SandboxLevel.FILES: _LIMITED | _OUTSIDE,
    SandboxLevel.SYSTEM_CALLS: _LIMITED | _OUTSIDE | _OTHERS | _CALLS,
    SandboxLevel.NAMESPACES: _LIMITED | _OUTSIDE | _OTHERS | _HIDDEN,
    SandboxLevel.FULL: _LIMITED | _OUTSIDE | _OTHERS | _CALLS | _HIDDEN,
}
"""The acts of `hostile_acts` that each level stops."""


@dataclass(frozen=True, slots=True)
class ProbedSandbox:
    """What holds on this machine.

    succeeded: the acts that nothing stopped. protections: what the worker had (`Confinement.protections`); one with
    less may run nothing.
    """

    level: SandboxLevel
    succeeded: tuple[str, ...]
    protections: tuple[str, ...] = ()

    @property
    def description(self) -> str:
        """The level in words, one line."""
        return self.level.description

    def require(self, least: SandboxLevel = LEAST_LEVEL) -> None:
        """Raises InputError: the level is lower."""
        if self.level < least:
            hint = "install the extra `serve`" if find_spec("seccompy") is None else "this system grants no more"
            raise InputError(
                "solution tester",
                f"the sandbox reaches level {self.level} ({self.description}), expected level {least} or more: {hint}, "
                "or start with --unprotected-tester to run code all the same",
            )


def probe(level: SandboxLevel = SandboxLevel.FULL) -> ProbedSandbox:
    """Sets up protection up to `level`, has a program try hostile acts inside, and says which level really holds.

    A level holds if none of the acts that it claims to stop succeeded; level 0 where nothing could be tried.
    """
    worker = WorkerProcess(level)
    try:
        with _targets() as targets:
            answer = _try_acts(worker, targets)
    except (OSError, InputError):
        answer = None
    finally:
        worker.stop()
    if answer is None or answer["ending"] not in (Ending.FINISHED, Ending.PROCESSES):
        return ProbedSandbox(SandboxLevel.NONE, ())
    succeeded = tuple(answer["stdout"].split())
    return ProbedSandbox(level_of(succeeded), succeeded, tuple(answer["protections"]))


def level_of(succeeded: Sequence[str]) -> SandboxLevel:
    """The highest level that claims to stop none of the acts that succeeded."""
    return max(level for level, claims in CLAIMS.items() if not claims & set(succeeded))


def _try_acts(worker: WorkerProcess, targets: Mapping[str, Any]) -> dict[str, Any] | None:
    """The worker's answer, which lists the acts that succeeded; None: its process died."""
    request: dict[str, Any] = {
        "kind": "program",
        "code": Path(__file__).with_name("hostile_acts.py").read_text(encoding="utf-8"),
        "input": json.dumps(targets),
        "entry_point": None,
        "audit": False,
        "protections": [],
        "limits": {"wall_seconds": 10, "memory": targets["memory"], "file_size": FILE_SIZE, "output": 100_000},
    }
    worker.ask(request)
    return worker.answer(wait=True, seconds=PROBE_SECONDS)


@contextlib.contextmanager
def _targets() -> Iterator[dict[str, Any]]:
    """What the acts are aimed at: a file, a folder, sockets that listen, and this process."""
    name = f"hostile-{secrets.token_hex(8)}"
    with contextlib.ExitStack() as resources:
        folder = Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="judge-target-")))
        folder.chmod(0o777)  # so that nothing but the sandbox is in the way
        file = folder / "file"
        file.write_text("x", encoding="ascii")
        file.chmod(0o666)
        tcp = resources.enter_context(socket.socket())
        udp = resources.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        for bound_socket in (tcp, udp):
            bound_socket.bind(("127.0.0.1", 0))
        tcp.listen()
        unix = resources.enter_context(socket.socket(socket.AF_UNIX))
        unix.bind(str(folder / "socket"))
        (folder / "socket").chmod(0o777)
        unix.listen()
        if sys.platform == "linux":
            abstract = resources.enter_context(socket.socket(socket.AF_UNIX))
            abstract.bind(f"\0{name}")
            abstract.listen()
        yield {
            "file": str(file),
            "folder": str(folder),
            "tcp_port": tcp.getsockname()[1],
            "udp_port": udp.getsockname()[1],
            "unix_path": str(folder / "socket"),
            "abstract_name": name,
            "process": os.getpid(),
            "memory": 512 * 2**20,
            "file_size": FILE_SIZE,
        }
