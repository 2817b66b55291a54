"""The processes of one run under PyTorch's launcher (`torchrun`), which go through it step by step together.

Every process reads the same files and holds the same weights; it learns from its share of each minibatch and plays its
share of the games, and the results are added up before any process goes on. Rank 0 alone writes, and reports.
A run of one process pays nothing for this: no process group, no import. Not here: what is computed.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")

JOIN_TIMEOUT = timedelta(minutes=10)
"""Within which all processes of a run have to join."""

STEP_TIMEOUT = timedelta(minutes=10)
"""How long a sum waits for the other processes within a step, which takes all of them equally long."""

PEER_MINUTES = "CODEASSIST_PEER_MINUTES"
"""The environment's number of minutes that a process waits for the others between steps, 60 by default."""

POLL_SECONDS = 0.01


@dataclass(frozen=True)
class DistributedContext:
    """Which process of the run this one is: `rank` of `world_size`, `local_rank` on its machine.

    Collective methods have to be called by all processes in the same order. They raise InputError if another one has
    ended or does not answer.
    """

    rank: int = 0
    world_size: int = 1
    local_rank: int = 0
    group: Any = field(default=None, compare=False, repr=False)
    """The process group of tensors; None: that of `all_gather`."""

    @classmethod
    def from_environment(cls) -> DistributedContext:
        """As the launcher's environment says. Raises InputError if it is incomplete."""
        world_size = _environment_number("WORLD_SIZE", "1")
        if world_size == 1:
            return cls()
        return cls(_environment_number("RANK"), world_size, _environment_number("LOCAL_RANK", "0"))

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

    def on_device(self, device: str) -> DistributedContext:
        """Collective. The context whose tensors go over nccl if this process's device is a GPU, else over gloo.

        Raises InputError if this PyTorch has no nccl for it.
        """
        if self.world_size == 1:
            return self
        import torch.distributed

        backend = "gloo"
        if device.startswith("cuda"):
            if not torch.distributed.is_nccl_available():
                raise InputError("--device", "this PyTorch has no nccl, which the cards of several processes need")
            torch.cuda.set_device(torch.device(device))
            backend = "cpu:gloo,cuda:nccl"
        with _peer_errors():
            return replace(self, group=torch.distributed.new_group(backend=backend, timeout=STEP_TIMEOUT))

    def all_reduce_sum(self, tensor: Tensor) -> Tensor:
        """Collective. Adds up a tensor over the processes, in place; all get the same bits."""
        if self.world_size > 1:
            import torch.distributed

            with _peer_errors():
                torch.distributed.all_reduce(tensor, group=self.group)
        return tensor

    def any_rank(self, *flags: bool) -> tuple[bool, ...]:
        """Collective. Which flags are set in any process."""
        import torch

        return tuple((self.all_reduce_sum(torch.tensor(flags, dtype=torch.int32)) > 0).tolist())

    def all_gather(self, value: T) -> list[T]:
        """Collective. Every process's value, in the order of ranks, once all have come; a signal ends the wait."""
        if self.world_size == 1:
            return [value]
        import torch.distributed

        values: list[Any] = [None] * self.world_size
        with _peer_errors():
            _wait_for_all()
            torch.distributed.all_gather_object(values, value)
        return values

    def broadcast_from_rank0(self, tensors: Iterable[Tensor]) -> None:
        """Collective. Copies rank 0's values into all processes: machines of different kinds round differently."""
        for tensor in tensors if len(self.all_gather(None)) > 1 else ():
            import torch.distributed

            with _peer_errors():
                torch.distributed.broadcast(tensor.detach(), src=0, group=self.group)

    @contextmanager
    def errors_on_all_ranks(self) -> Iterator[None]:
        """Collective, at its end. An InputError of one process in the block is raised by all of them."""
        own_error: InputError | None = None
        try:
            yield
        except InputError as error:
            own_error = error
        for rank, error_of_rank in enumerate(self.all_gather(own_error)):
            if error_of_rank is not None:
                where = f"process {rank}: {error_of_rank.where}" if rank else error_of_rank.where
                raise type(error_of_rank)(where, error_of_rank.reason)


SINGLE_PROCESS = DistributedContext()


@contextmanager
def init_distributed() -> Iterator[DistributedContext]:
    """The context of this process, once all processes of the run have joined.

    Raises InputError if they do not, and KeyboardInterrupt, with a line, at a signal while one of them is absent.
    After an error Python's own exit waits until the others notice; commands end without it (`app.main_wrapper`).
    """
    context = DistributedContext.from_environment()
    if context.world_size == 1:
        yield context
        return
    timeout = timedelta(minutes=_environment_number(PEER_MINUTES, "60"))
    store = _join(context.rank, context.world_size)
    import torch.distributed as dist

    with _peer_errors():
        dist.init_process_group("gloo", None, timeout, context.world_size, context.rank, store)
    _rank0_speaks.set()
    yield context
    dist.destroy_process_group()  # not after an error, as it waits for the others


def _join(rank: int, world_size: int) -> Any:
    """The launcher's key-value store, once all have joined. As `init_distributed`, which alone would hear no signal."""
    from torch.distributed.rendezvous import rendezvous

    waited = JOIN_TIMEOUT.total_seconds()
    deadline = time.monotonic() + waited
    try:
        # "of one process": PyTorch would wait for the others inside, deaf to signals
        store, *_ = next(rendezvous(f"env://?rank={rank}&world_size=1", timeout=JOIN_TIMEOUT))
    except (RuntimeError, ValueError) as error:
        reason = f"the processes cannot meet there: {str(error).splitlines()[0]}"
        raise InputError("MASTER_ADDR, MASTER_PORT", reason) from error
    store.set(f"joined/{rank}", "")
    absent = list(range(world_size))
    try:
        while absent := [other for other in absent if not store.check([f"joined/{other}"])]:
            if time.monotonic() > deadline:
                raise InputError(f"process {str(absent)[1:-1]}", f"did not join this run within {waited:g} s")
            time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"process {str(absent)[1:-1]} had not joined this run yet") from None
    return store


def _wait_for_all() -> None:
    """A barrier that lets Python handle signals. It fails at once if a process that it waits for ends."""
    import torch.distributed

    barrier = torch.distributed.barrier(async_op=True)
    while not barrier.is_completed():
        time.sleep(POLL_SECONDS)
    barrier.wait()


_rank0_speaks = threading.Event()
"""Whether messages are rank 0's alone: all have joined, and none is known to have ended."""


def has_process_group() -> bool:
    """Whether this process has joined others and not left them; they may have ended since."""
    distributed = sys.modules.get("torch.distributed")
    return distributed is not None and distributed.is_available() and distributed.is_initialized()


def message_prefix() -> str | None:
    """What a message of this process begins with; None: another process prints it.

    Until the processes have joined each prints its own.
    """
    is_single, rank = os.environ.get("WORLD_SIZE", "1") == "1", os.environ.get("RANK", "0")
    if is_single or rank == "0":
        return ""
    return None if _rank0_speaks.is_set() else f"process {rank}: "


@contextmanager
def _peer_errors() -> Iterator[None]:
    """What gloo and nccl raise when another process has ended becomes an InputError; other errors stay."""
    import torch.distributed

    try:
        yield
    except RuntimeError as error:
        if not isinstance(error, torch.distributed.DistError) and "gloo/transport" not in str(error):
            raise
        if os.environ["RANK"] == "1":
            _rank0_speaks.clear()  # it may be who has ended, so this process says it as well
        reason = "has ended or does not answer; --resume goes on from what was last saved"
        raise InputError("another process of this run", reason) from error


def _environment_number(name: str, default: str = "") -> int:
    text = os.environ.get(name) or default
    if not text.isdecimal() or int(text) >= 10**6:
        raise InputError(name, f"{text!r} is no number below a million; start more than one process with torchrun")
    return int(text)
