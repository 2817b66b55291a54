"""Where the processes of one run find one another and wait for what takes long: the store of their launcher.

A wait here lasts as long as the others are alive, and a signal ends it. (What adds up tensors waits inside a library,
deaf to signals, and for a limited time.) Not here: tensors, what the processes say to one another.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

from errors import InputError

Store = Any
"""`torch.distributed.TCPStore`, of whose types not all are told."""

JOINING = 600.0
"""Seconds within which all processes of a run have to be there."""

BEAT = 5.0
"""Seconds between two signs of life of a process."""

SILENCE = 12
"""Beats that may be missed: one that gave no sign for a minute is lost."""

FAREWELL = 10.0
"""Seconds that the process that holds the store waits for the others to leave it."""

SHORTEST, LONGEST = 0.001, 0.25
"""Seconds between two looks at who has come: the longer a wait, the more."""

ANSWER = timedelta(minutes=5)
"""Within which the store answers."""


class LostError(InputError):
    """Another process of the run has ended or does not answer: this one cannot go on."""


class Meeting:
    """One of `world` processes among the others; `met` makes it."""

    def __init__(self, store: Store, rank: int, world: int) -> None:
        self.store, self.rank, self.world = store, rank, world
        self.count = 0
        self.signs: list[tuple[bytes, int]] = [(b"", 0)] * world
        """Of each process its last sign of life, and how often it was seen again since."""

    def meet(self, word: str) -> list[str]:
        """Collective. Waits for all, however long they work, and returns what each has to say.

        Raises LostError if one of them has ended.
        """
        with _answered():
            self.count += 1
            self.store.set(f"{self.count}/{self.rank}", word)
            if self.count > 2:  # all have come to the meeting before this one, so they have read the one before that
                self.store.delete_key(f"{self.count - 2}/{self.rank}")
            keys = [f"{self.count}/{rank}" for rank in range(self.world)]
            self._wait(keys)
            return [said.decode() for said in self.store.multi_get(keys)]

    def missing(self) -> list[int]:
        """The processes that have not given any sign of life."""
        return [rank for rank in range(self.world) if not self.store.check([f"alive/{rank}"])]

    def give_up(self) -> None:
        """Tells those who wait, or will, that this process goes on no longer."""
        with suppress(RuntimeError):
            self.store.set("gone", str(self.rank))

    def leave(self) -> None:
        """The store lives on until the others have left it: what was said last may not have reached them yet."""
        with suppress(RuntimeError):
            self.store.set(f"left/{self.rank}", "")
            until = time.monotonic() + FAREWELL
            while self.rank == 0 and time.monotonic() < until:
                if self.store.check([f"left/{rank}" for rank in range(self.world)]):
                    return
                time.sleep(0.01)

    def _wait(self, keys: Sequence[str]) -> None:
        pause, looked = SHORTEST, time.monotonic()
        while not self.store.check(list(keys)):
            if self.store.check(["gone"]):
                raise LostError(f"process {self.store.get('gone').decode()} of this run", "has ended")
            if time.monotonic() > looked + BEAT:
                self._look_for_signs()
                looked = time.monotonic()
            time.sleep(pause)
            pause = min(1.5 * pause, LONGEST)

    def _look_for_signs(self) -> None:
        found = self.store.multi_get([f"alive/{rank}" for rank in range(self.world)])
        for rank, sign in enumerate(found):
            before, times = self.signs[rank]
            self.signs[rank] = sign, times + 1 if sign == before else 0
            if self.signs[rank][1] > SILENCE:
                raise LostError(f"process {rank} of this run", f"has given no sign of life for {SILENCE * BEAT:.0f} s")


@contextmanager
def met(rank: int, world: int) -> Iterator[Meeting]:
    """All processes, from when the last one has come. Raises InputError if one does not come within `JOINING`."""
    for name in ("MASTER_ADDR", "MASTER_PORT"):
        if not os.environ.get(name):
            raise InputError(name, "is not set, though WORLD_SIZE is; start more than one process with torchrun")
    until = time.monotonic() + JOINING
    meeting = Meeting(_store(rank, world, until), rank, world)
    ended = threading.Event()
    alive = threading.Thread(target=_give_signs, args=(meeting.store.clone(), rank, ended), daemon=True)
    alive.start()
    polite = False
    try:
        _wait_for_all(meeting, until)
        polite = True
        yield meeting
    except BaseException as error:
        meeting.give_up()
        polite = polite and isinstance(error, InputError) and not isinstance(error, LostError)
        raise
    finally:
        if polite:
            meeting.leave()
        ended.set()
        alive.join(1.0)


def _store(rank: int, world: int, until: float) -> Store:
    """Held by the launcher, else by rank 0, which the others wait for."""
    host, port = os.environ["MASTER_ADDR"], os.environ["MASTER_PORT"]
    if not port.isdecimal():
        raise InputError("MASTER_PORT", f"{port!r} is no number of a port")
    import torch.distributed

    store: Store = torch.distributed.TCPStore  # type: ignore[attr-defined]

    holds = rank == 0 and os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True"
    while not holds:
        try:
            socket.create_connection((host, int(port)), timeout=1.0).close()
            break
        except OSError as error:
            if time.monotonic() > until:
                what = f"nobody answers there within {JOINING / 60:.0f} minutes: {error}"
                raise InputError(f"{host}:{port}", what) from error
            time.sleep(LONGEST)
    try:
        return store(host, int(port), world, holds, ANSWER, wait_for_workers=False)
    except RuntimeError as error:
        raise InputError(f"{host}:{port}", f"the processes cannot meet there: {_first_line(error)}") from error


def _wait_for_all(meeting: Meeting, until: float) -> None:
    """Raises KeyboardInterrupt, with a line for the person, if a signal ends the waiting."""
    pause = SHORTEST
    with _answered():
        try:
            while missing := meeting.missing():
                if time.monotonic() > until:
                    raise InputError(_named(missing), f"did not join this run within {JOINING / 60:.0f} minutes")
                time.sleep(pause)
                pause = min(1.5 * pause, LONGEST)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"{_named(meeting.missing())} had not joined this run yet") from None


def _give_signs(store: Store, rank: int, ended: threading.Event) -> None:
    """Until the process has ended, or the store."""
    number = 0
    with suppress(RuntimeError):
        while not ended.is_set():
            store.set(f"alive/{rank}", str(number))
            number += 1
            ended.wait(BEAT)


@contextmanager
def _answered() -> Iterator[None]:
    """The store's end is that of the process that holds it."""
    try:
        yield
    except RuntimeError as error:
        raise LostError("another process of this run", f"has ended ({_first_line(error)})") from error


def _named(ranks: Sequence[int]) -> str:
    return f"process{'es' if len(ranks) > 1 else ''} {', '.join(map(str, ranks))}"


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0]
