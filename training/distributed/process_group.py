"""The processes of one run under PyTorch's launcher (`torchrun`), which go through it step by step together.

Every process reads the same files and holds the same weights; it learns from its share of each minibatch and plays its
share of the games, and the results are added up before any process goes on. Rank 0 alone writes, and reports.
A run of one process pays nothing for this: no process group, no import. Not here: what is computed.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from errors import InputError
from training.distributed.rendezvous import PeerLostError, Rendezvous, join_rendezvous

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")

STEP_TIMEOUT = timedelta(minutes=10)
"""How long a collective waits for the other processes within a step, which takes all of them equally long. Where one
may be hours behind (reading, games, files), they wait in `barrier_exchange` first."""


@dataclass(frozen=True)
class DistributedContext:
    """Which process of the run this one is: `rank` of `world_size`, `local_rank` on its machine.

    Collective methods have to be called by all processes in the same order; they raise PeerLostError if one has ended.
    """

    rank: int = 0
    world_size: int = 1
    local_rank: int = 0
    rendezvous: Rendezvous | None = field(default=None, compare=False, repr=False)

    @classmethod
    def from_environment(cls) -> DistributedContext:
        """As the launcher's environment says. Raises InputError if it is incomplete."""
        world_size = _environment_number("WORLD_SIZE", 1)
        if world_size == 1:
            return cls()
        return cls(_environment_number("RANK"), world_size, _environment_number("LOCAL_RANK", 0))

    @property
    def is_main(self) -> bool:
        """Whether this is the process that writes and reports."""
        return self.rank == 0

    @property
    def seed_suffix(self) -> tuple[int, ...]:
        """Parts of a seed that differ between processes; none for rank 0, which has the seed of a single process."""
        return (self.rank,) if self.rank else ()

    def device_name(self, name: str) -> str:
        """`cuda` as this process's own card. Raises InputError for a card that all would have to share."""
        if self.world_size > 1 and name.startswith("cuda:"):
            raise InputError("--device", f"{name} is one card for all processes; cuda gives each its own")
        return f"cuda:{self.local_rank}" if name == "cuda" and self.world_size > 1 else name

    def shard(self, sequence: Sequence[T]) -> Sequence[T]:
        """This process's share: every world_size-th element, so that a sequence sorted by length is shared evenly."""
        return sequence[self.rank :: self.world_size]

    def shard_rows(self, batch: Tensor) -> Tensor:
        """This process's rows of a minibatch `(B,)`; at least one, as a network needs one."""
        return batch[self.rank :: self.world_size] if self.has_rows(batch) else batch[:1]

    def has_rows(self, batch: Tensor) -> bool:
        """Whether the minibatch has a row for this process."""
        return len(batch) > self.rank

    def all_reduce_sum(self, tensor: Tensor) -> Tensor:
        """Collective. Adds up a tensor over the processes, in place; all get the same bits."""
        if self.world_size > 1:
            import torch.distributed

            with _peer_errors():
                torch.distributed.all_reduce(tensor)
        return tensor

    def all_gather(self, value: T) -> list[T]:
        """Collective. Every process's value, in the order of ranks."""
        if self.world_size == 1:
            return [value]
        import torch.distributed

        values: list[Any] = [None] * self.world_size
        with _peer_errors():
            torch.distributed.all_gather_object(values, value)
        return values

    def any_rank(self, *flags: bool) -> tuple[bool, ...]:
        """Collective. Which flags are set in any process."""
        if self.world_size == 1:
            return flags
        import torch

        return tuple((self.all_reduce_sum(torch.tensor(flags, dtype=torch.int32)) > 0).tolist())

    def broadcast_from_rank0(self, tensors: Iterable[Tensor]) -> None:
        """Collective. Copies rank 0's values into all processes: machines of different kinds round differently."""
        if self.world_size == 1:
            return
        import torch.distributed

        self.barrier_exchange()
        for tensor in tensors:
            values = tensor.detach().contiguous()
            with _peer_errors():
                torch.distributed.broadcast(values, src=0)
            tensor.detach().copy_(values)

    @contextmanager
    def errors_on_all_ranks(self) -> Iterator[None]:
        """Collective, at its end. An InputError of one process in the block is raised by all of them."""
        if self.world_size == 1:
            yield
            return
        error: InputError | None = None
        try:
            yield
        except InputError as input_error:
            error = input_error
        errors = self.barrier_exchange(None if error is None else (error.where, error.reason))
        first = next((rank for rank, parts in enumerate(errors) if parts is not None), None)
        if first is None:
            return
        if error is not None and first == self.rank:
            raise error
        where, reason = errors[first]
        raise InputError(f"process {first}: {where}" if first else where, reason)

    def barrier_exchange(self, value: object = None) -> list[Any]:
        """Collective. Waits until all have come, however long that takes, and returns the value (JSON) of each."""
        assert self.rendezvous is not None, "more than one process, outside of `init_distributed`"
        return self.rendezvous.exchange(value)

    @contextmanager
    def process_group(self, device: str) -> Iterator[None]:
        """Collective. In the block tensors go between processes: over gloo those on a CPU, over nccl those on a GPU.

        device: this process's. Raises InputError if this PyTorch has no nccl for it.
        """
        if self.world_size == 1:
            yield
            return
        assert self.rendezvous is not None, "more than one process, outside of `init_distributed`"
        import torch.distributed

        on_cards = device.startswith("cuda")
        with self.errors_on_all_ranks():
            if on_cards and not torch.distributed.is_nccl_available():
                raise InputError("--device", "this PyTorch has no nccl, which the cards of several processes need")
        if on_cards:
            torch.cuda.set_device(torch.device(device))
        with _peer_errors():
            torch.distributed.init_process_group(
                "cpu:gloo,cuda:nccl" if on_cards else "gloo",
                store=self.rendezvous.store,
                rank=self.rank,
                world_size=self.world_size,
                timeout=STEP_TIMEOUT,
            )
        try:
            yield
        finally:
            torch.distributed.destroy_process_group()


SINGLE_PROCESS = DistributedContext()


@contextmanager
def init_distributed() -> Iterator[DistributedContext]:
    """The context of this process, once all processes of the run have joined.

    Raises InputError if they do not, and KeyboardInterrupt, with a line, at a signal while one of them is absent.
    """
    context = DistributedContext.from_environment()
    if context.world_size == 1:
        yield context
        return
    with join_rendezvous(context.rank, context.world_size) as rendezvous:
        _have_joined.set()
        yield replace(context, rendezvous=rendezvous)


_have_joined = threading.Event()


def message_prefix() -> str | None:
    """What a message of this process begins with; None: another process prints it.

    Until the processes have joined each prints its own.
    """
    is_single, rank = os.environ.get("WORLD_SIZE", "1") == "1", os.environ.get("RANK", "0")
    if is_single or rank == "0":
        return ""
    return None if _have_joined.is_set() else f"process {rank}: "


@contextmanager
def _peer_errors() -> Iterator[None]:
    """What gloo and nccl raise when another process has ended becomes PeerLostError; other errors stay."""
    import torch.distributed

    try:
        yield
    except RuntimeError as error:
        if not isinstance(error, torch.distributed.DistError) and "gloo/transport" not in str(error):
            raise
        reason = "has ended or does not answer; --resume goes on from what was last saved"
        raise PeerLostError("another process of this run", reason) from error


def _environment_number(name: str, default: int | None = None) -> int:
    text = os.environ.get(name) or ("" if default is None else str(default))
    if not text.isdecimal():
        raise InputError(name, f"{text!r} is no number of processes; start more than one process with torchrun")
    return int(text)
