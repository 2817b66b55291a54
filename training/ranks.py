"""The processes of one run under PyTorch's launcher (`torchrun`), which go through it step by step together.

Every process reads the same files and holds the same weights; it learns from its share of each minibatch and plays its
share of the games; what they found is added up before anybody goes on. Rank 0 alone writes, and tells the person.
A run of one process pays nothing for this: no process group, no import. Not here: what is computed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")

TIMEOUT = timedelta(minutes=30)
"""How long a process waits for the others at one point. A dead one is noticed at once, a hanging one by this."""


class LostError(InputError):
    """Another process of the run has ended or does not answer: this one cannot go on."""


@dataclass(frozen=True)
class Ranks:
    """Which process of the run this one is: `rank` of `world`, `local` of those on its machine.

    What is collective has to be called by all processes in the same order; it raises LostError if one is gone.
    """

    rank: int = 0
    world: int = 1
    local: int = 0

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
        """`cuda` as this process's own card."""
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
        said = self.gather(None if error is None else (error.where, error.what))
        first = next((i for i, one in enumerate(said) if one is not None), None)
        if first is None:
            return
        if error is not None and first == self.rank:
            raise error
        where, what = said[first] or ("", "")
        raise InputError(f"process {first}: {where}" if first else where, what)


ALONE = Ranks()
"""A run of one process."""


@contextmanager
def joined(device: str) -> Iterator[Ranks]:
    """The processes of this run, connected for the block: over gloo what is on a CPU, over nccl what is on a GPU.

    Raises InputError if they do not find one another.
    """
    ranks = Ranks.found()
    if ranks.world == 1:
        yield ranks
        return
    for name in ("MASTER_ADDR", "MASTER_PORT"):
        if not os.environ.get(name):
            raise InputError(name, "is not set, though WORLD_SIZE is; start more than one process with torchrun")
    import torch.distributed

    backend = "gloo"
    if device.startswith("cuda"):
        backend = "cpu:gloo,cuda:nccl"
        torch.cuda.set_device(torch.device(device))
    with _answered():
        torch.distributed.init_process_group(backend, timeout=TIMEOUT)
    try:
        yield ranks
    finally:
        torch.distributed.destroy_process_group()


def speaks() -> bool:
    """Whether this process is the one of its run that a person is to hear."""
    return os.environ.get("WORLD_SIZE", "1") == "1" or os.environ.get("RANK", "0") == "0"


@contextmanager
def _answered() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        reason = (str(error).splitlines() or [""])[0]
        raise LostError("another process of this run", f"has ended or does not answer ({reason})") from error


def _number(name: str, default: int | None = None) -> int:
    text = os.environ.get(name) or ("" if default is None else str(default))
    if not text.isdecimal():
        raise InputError(name, f"{text!r} is no number of processes; start more than one process with torchrun")
    return int(text)
