"""The processes of one run under PyTorch's launcher (`torchrun`), which go through it step by step together.

Every process reads the same files and holds the same weights; it learns from its share of each minibatch and plays its
share of the games; what they found is added up before anybody goes on. Rank 0 alone writes, and tells the person.
A run of one process pays nothing for this: no process group, no import. Not here: what is computed.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from errors import InputError
from training.distributed.rendezvous import LostError, Meeting, met

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")

TIMEOUT = timedelta(minutes=10)
"""How long a process waits for the others within a step, which takes all of them as long. Where one may be hours behind
(reading, games, files), they meet first, and wait as long as all are alive."""


@dataclass(frozen=True)
class Ranks:
    """Which process of the run this one is: `rank` of `world`, `local` of those on its machine.

    What is collective has to be called by all processes in the same order; it raises LostError if one is gone.
    """

    rank: int = 0
    world: int = 1
    local: int = 0
    meeting: Meeting | None = field(default=None, compare=False, repr=False)
    """Where this process finds the others; `joined` brings them together."""

    @classmethod
    def found(cls) -> Ranks:
        """As the launcher's environment says. Raises InputError if it is not whole."""
        world = _number("WORLD_SIZE", 1)
        if world == 1:
            return cls()
        return cls(_number("RANK"), world, _number("LOCAL_RANK", 0))

    @property
    def main(self) -> bool:
        """Whether this is the process that writes and speaks."""
        return self.rank == 0

    @property
    def label(self) -> tuple[int, ...]:
        """What makes a seed this process's own; nothing for rank 0, so that one process alone has the plain seed."""
        return (self.rank,) if self.rank else ()

    def device(self, name: str) -> str:
        """`cuda` as this process's own card. Raises InputError for a card that all would have to share."""
        if self.world > 1 and name.startswith("cuda:"):
            raise InputError("--device", f"{name} is one card for all processes; cuda gives each its own")
        return f"cuda:{self.local}" if name == "cuda" and self.world > 1 else name

    def own(self, items: Sequence[T]) -> Sequence[T]:
        """This process's share: every world-th, so that what is sorted by length is shared evenly."""
        return items[self.rank :: self.world]

    def rows(self, batch: Tensor) -> Tensor:
        """The same of a minibatch's rows `(B,)`; at least one, as a network needs it. `counts` says if it is extra."""
        return batch[self.rank :: self.world] if self.counts(batch) else batch[:1]

    def counts(self, batch: Tensor) -> bool:
        """Whether the minibatch has a row for this process."""
        return len(batch) > self.rank

    def sum(self, tensor: Tensor) -> Tensor:
        """Collective. Adds up a tensor, in place; all processes get the same bits."""
        if self.world > 1:
            import torch.distributed

            with _answered():
                torch.distributed.all_reduce(tensor)
        return tensor

    def gather(self, value: T) -> list[T]:
        """Collective. Every process's value, in the order of ranks."""
        if self.world == 1:
            return [value]
        import torch.distributed

        values: list[Any] = [None] * self.world
        with _answered():
            torch.distributed.all_gather_object(values, value)
        return values

    def any(self, *flags: bool) -> tuple[bool, ...]:
        """Collective. Which flags are set in any process."""
        if self.world == 1:
            return flags
        import torch

        return tuple((self.sum(torch.tensor(flags, dtype=torch.int32)) > 0).tolist())

    def equalise(self, tensors: Iterable[Tensor]) -> None:
        """Collective. Gives all processes rank 0's values: machines of different kinds round differently."""
        if self.world == 1:
            return
        import torch.distributed

        self.meet()
        for tensor in tensors:
            values = tensor.detach().contiguous()
            with _answered():
                torch.distributed.broadcast(values, src=0)
            tensor.detach().copy_(values)

    @contextmanager
    def as_one(self) -> Iterator[None]:
        """Collective, at its end. An InputError of one process in the block is raised by all of them."""
        if self.world == 1:
            yield
            return
        error: InputError | None = None
        try:
            yield
        except InputError as caught:
            error = caught
        said = self.meet(None if error is None else (error.where, error.what))
        first = next((i for i, one in enumerate(said) if one is not None), None)
        if first is None:
            return
        if error is not None and first == self.rank:
            raise error
        where, what = said[first]
        raise InputError(f"process {first}: {where}" if first else where, what)

    def meet(self, word: object = None) -> list[Any]:
        """Collective. What each has to say, once all have come."""
        assert self.meeting is not None, "more than one process, and they have not joined"
        return [json.loads(said) for said in self.meeting.meet(json.dumps(word))]

    @contextmanager
    def connected(self, device: str) -> Iterator[None]:
        """Collective. In the block tensors go from one process to another: over gloo those on a CPU, over nccl those on
        a GPU. device: this process's."""
        if self.world == 1:
            yield
            return
        assert self.meeting is not None, "more than one process, and they have not joined"
        import torch.distributed

        on_cards = device.startswith("cuda")
        with self.as_one():
            if on_cards and not torch.distributed.is_nccl_available():
                raise InputError("--device", "this PyTorch has no nccl, which the cards of several processes need")
        if on_cards:
            torch.cuda.set_device(torch.device(device))
        with _answered():
            torch.distributed.init_process_group(
                "cpu:gloo,cuda:nccl" if on_cards else "gloo",
                store=self.meeting.store, rank=self.rank, world_size=self.world, timeout=TIMEOUT,
            )  # fmt: skip
        try:
            yield
        finally:
            torch.distributed.destroy_process_group()


ALONE = Ranks()
"""A run of one process."""


@contextmanager
def joined() -> Iterator[Ranks]:
    """The processes of this run, which have found one another for the block.

    Raises InputError if they do not, and KeyboardInterrupt, with a line, at a signal while one of them is missing.
    """
    ranks = Ranks.found()
    if ranks.world == 1:
        yield ranks
        return
    with met(ranks.rank, ranks.world) as meeting:
        _have_joined.set()
        yield replace(ranks, meeting=meeting)


_have_joined = threading.Event()


def speaker() -> str | None:
    """What a line for the person begins with in this process; None: another one says it.

    Until the processes have found one another each speaks for itself.
    """
    alone, rank = os.environ.get("WORLD_SIZE", "1") == "1", os.environ.get("RANK", "0")
    if alone or rank == "0":
        return ""
    return None if _have_joined.is_set() else f"process {rank}: "


@contextmanager
def _answered() -> Iterator[None]:
    """An error of this process alone stays what it is."""
    try:
        yield
    except RuntimeError as error:
        if not any(sign in str(error) for sign in _LOST):
            raise
        what = "has ended or does not answer; --resume goes on from what was last saved"
        raise LostError("another process of this run", what) from error


_LOST = ("gloo/transport", "Connection closed", "Connection reset", "Broken pipe", "Timed out", "timed out",
         "ncclRemoteError", "communicator was aborted")  # fmt: skip
"""What gloo, nccl and the store say when another process has ended or does not answer."""


def _number(name: str, default: int | None = None) -> int:
    text = os.environ.get(name) or ("" if default is None else str(default))
    if not text.isdecimal():
        raise InputError(name, f"{text!r} is no number of processes; start more than one process with torchrun")
    return int(text)
