"""Where the processes of one run join, and wait for each other between steps: the key-value store of their launcher.

A wait here ends when all have come, at a signal (a collective of `torch.distributed` waits inside a library, deaf to
signals), or when another process announces that it failed. A process that is killed is noticed by `torchrun`, which
ends the others. Not here: tensors (`process_group.py`).
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

from errors import InputError

Store = Any
"""`torch.distributed.TCPStore`, which is not fully typed."""

JOIN_SECONDS = 600.0
"""Within which all processes of a run have to join."""

WAIT_SECONDS = 24 * 3600.0
"""How long a process waits for the others between steps, which may read files or play games for hours."""

SHUTDOWN_GRACE_SECONDS = 10.0
"""How long the process that hosts the store waits for the others, which report its end at length."""

POLL_MIN_SECONDS, POLL_MAX_SECONDS = 0.001, 0.25


class PeerLostError(InputError):
    """Another process of the run has ended or does not answer: this one cannot go on."""


class Rendezvous:
    """One process among `world_size` that share a store; `join_rendezvous` makes it."""

    def __init__(self, store: Store, rank: int, world_size: int) -> None:
        self.store = store
        self.rank = rank
        self.world_size = world_size
        self.exchanges = 0

    def exchange(self, value: object) -> list[Any]:
        """Collective. Waits for all processes and returns the value (JSON) of each, in the order of ranks.

        Raises PeerLostError if another process has failed, or none of this in `WAIT_SECONDS`.
        """
        self.exchanges += 1
        keys = [f"{self.exchanges}/{rank}" for rank in range(self.world_size)]
        with _store_errors():
            self.store.set(keys[self.rank], json.dumps(value))
            if self.exchanges > 2:  # everybody has joined the last exchange, so has read the one before it
                self.store.delete_key(f"{self.exchanges - 2}/{self.rank}")
            if not _poll(lambda: self._arrived(keys), WAIT_SECONDS):
                raise PeerLostError(_names(self._absent_ranks(keys)), "did not come within a day")
            return [json.loads(text) for text in self.store.multi_get(keys)]

    def announce_failure(self) -> None:
        """Ends the wait of the other processes."""
        with suppress(RuntimeError):
            self.store.set("failed", str(self.rank))

    def shutdown(self) -> None:
        """The host of the store ends after the others, or they print what PyTorch says of a closed connection."""
        keys = [f"left/{rank}" for rank in range(self.world_size)]
        with suppress(RuntimeError):
            self.store.set(keys[self.rank], "")
            if self.rank == 0:
                _poll(lambda: bool(self.store.check(keys)), SHUTDOWN_GRACE_SECONDS)

    def wait_for_all(self, seconds: float) -> None:
        """Collective. Raises InputError if a process does not join in time, KeyboardInterrupt that names the absent
        ones at a signal."""
        keys = [f"joined/{rank}" for rank in range(self.world_size)]
        with _store_errors():
            self.store.set(keys[self.rank], "")
            try:
                complete = _poll(lambda: bool(self.store.check(keys)), seconds)
            except KeyboardInterrupt:
                raise KeyboardInterrupt(f"{_names(self._absent_ranks(keys))} had not joined this run yet") from None
            if not complete:
                minutes = f"{JOIN_SECONDS / 60:.0f} minutes"
                raise InputError(_names(self._absent_ranks(keys)), f"did not join this run within {minutes}")

    def _arrived(self, keys: Sequence[str]) -> bool:
        if self.store.check(list(keys)):
            return True
        if self.store.check(["failed"]):
            raise PeerLostError(f"process {self.store.get('failed').decode()} of this run", "has ended")
        return False

    def _absent_ranks(self, keys: Sequence[str]) -> list[int]:
        return [rank for rank, key in enumerate(keys) if not self.store.check([key])]


@contextmanager
def join_rendezvous(rank: int, world_size: int) -> Iterator[Rendezvous]:
    """The rendezvous, once all processes have joined it.

    Raises InputError if the launcher's environment is incomplete or a process does not join within `JOIN_SECONDS`.
    """
    deadline = time.monotonic() + JOIN_SECONDS
    rendezvous = Rendezvous(_connect(rank, world_size), rank, world_size)
    try:
        rendezvous.wait_for_all(deadline - time.monotonic())
        yield rendezvous
        rendezvous.shutdown()
    except PeerLostError:
        raise
    except BaseException as error:
        rendezvous.announce_failure()
        if isinstance(error, InputError):
            rendezvous.shutdown()
        raise


@contextmanager
def _store_errors() -> Iterator[None]:
    """The store ends with the process that hosts it: its errors become PeerLostError."""
    try:
        yield
    except RuntimeError as error:
        raise PeerLostError("another process of this run", f"has ended ({_first_line(error)})") from error


def _connect(rank: int, world_size: int) -> Store:
    """The store, hosted by the launcher, else by rank 0."""
    host, port = _address()
    is_host = rank == 0 and os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True"
    import torch.distributed

    try:
        store: Store = torch.distributed.TCPStore  # type: ignore[attr-defined]
        return store(host, port, world_size, is_host, timedelta(seconds=JOIN_SECONDS), wait_for_workers=False)
    except RuntimeError as error:
        raise InputError(f"{host}:{port}", f"the processes cannot meet there: {_first_line(error)}") from error


def _address() -> tuple[str, int]:
    for name in ("MASTER_ADDR", "MASTER_PORT"):
        if not os.environ.get(name):
            raise InputError(name, "is not set, though WORLD_SIZE is; start more than one process with torchrun")
    port = os.environ["MASTER_PORT"]
    if not port.isdecimal():
        raise InputError("MASTER_PORT", f"{port!r} is no number of a port")
    return os.environ["MASTER_ADDR"], int(port)


def _poll(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether the condition holds within the time; between two looks Python handles signals."""
    deadline, pause = time.monotonic() + seconds, POLL_MIN_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
        pause = min(1.5 * pause, POLL_MAX_SECONDS)
    return True


def _names(ranks: Sequence[int]) -> str:
    return f"process{'es' if len(ranks) > 1 else ''} {', '.join(map(str, ranks))}"


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0]
