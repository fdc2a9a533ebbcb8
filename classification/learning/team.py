"""Several processes that compute one thing, and the one that does so alone.

Rank 0 plays the rounds. When it embeds or trains, it tells the others (`learning.serve`), and each
does its part: of a list of images, or of every training batch. What they compute together is what
one process computes: outputs of the parts are put together before the loss, gradients are added up
afterwards, and batch normalisation takes the statistics of the whole batch (`team_norm`). Messages
are Python objects between processes of one job, never files.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, distributed

from classification.errors import FieldmarkError

_PATIENCE = timedelta(days=30)  # a helper waits while people label; torchrun ends it if rank 0 dies


@dataclass(frozen=True, kw_only=True)
class Part:
    """Positions `start` to `stop` of the `of` items of a batch."""

    start: int
    stop: int
    of: int

    @classmethod
    def whole(cls, of: int) -> "Part":
        """All of it."""
        return cls(start=0, stop=of, of=of)

    def cut(self, values: Tensor) -> Tensor:
        """The rows of a tensor [of, ...] that are in this part."""
        return values[self.start : self.stop]


@dataclass(frozen=True, kw_only=True)
class Team:
    """The processes of a job, seen from one of them.

    Attributes:
        rank: of this process; 0 leads.
        size: number of processes, on all machines.
        local_rank: of this process on its machine.
        local_size: processes on this machine.
        sharded: each machine has only a part of the crops.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1
    sharded: bool = False

    @property
    def leads(self) -> bool:
        """Whether there are others who wait to be told."""
        return self.rank == 0 and self.size > 1

    @property
    def threads(self) -> int:
        """Cores of the machine for each of its processes."""
        return max(1, (os.cpu_count() or 1) // self.local_size)

    def tell(self, message: Any) -> None:
        """Rank 0: send an object to all others."""
        self.share(message, source=0)

    def hear(self) -> Any:
        """The others: what rank 0 tells next."""
        return self.share(None, source=0)

    def share(self, message: Any, *, source: int) -> Any:
        """An object of one process, everywhere; the others' own `message` does not count."""
        box: list[Any] = [message]
        if self.size > 1:
            distributed.broadcast_object_list(box, src=source, device=torch.device("cpu"))
        return box[0]

    def gather(self, values: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The flags [n] of every process, everywhere: bool [size, n]."""
        mine = torch.from_numpy(np.ascontiguousarray(values)).to(torch.uint8)
        gathered = [torch.empty_like(mine) for _ in range(self.size)]
        distributed.all_gather(gathered, mine)
        return torch.stack(gathered).bool().numpy()

    def wait(self) -> None:
        """Until all have come here."""
        if self.size > 1:
            distributed.barrier()

    def part(self, n: int) -> Part:
        """This process's part of `n` items."""
        return self._part(n, self.rank)

    def _part(self, n: int, rank: int) -> Part:
        return Part(start=n * rank // self.size, stop=n * (rank + 1) // self.size, of=n)

    def hand_in(self, rows: NDArray[np.float32]) -> None:
        """The others: send rows [m, D] to rank 0."""
        if len(rows):
            distributed.send(torch.from_numpy(np.ascontiguousarray(rows)), dst=0)

    def receive(self, rank: int, shape: tuple[int, int]) -> NDArray[np.float32]:
        """Rank 0: what `rank` hands in."""
        rows = torch.empty(shape)
        if len(rows):
            distributed.recv(rows, src=rank)
        return rows.numpy()

    def whole(self, rows: Tensor, n: int) -> Tensor:
        """The parts of all processes as one tensor [n, K], equal everywhere; differentiable.

        Args:
            rows: this process's `part(n)`.
            n: rows of all.
        """
        return rows if self.size == 1 else _Whole.apply(rows, self, n)

    def total(self, values: Tensor) -> Tensor:
        """Sum over all processes, equal everywhere; differentiable."""
        return values if self.size == 1 else _Total.apply(values)

    def add_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Replace every gradient by the sum over all processes."""
        grads = [p.grad for p in parameters if p.grad is not None]
        if self.size == 1 or not grads:
            return
        flat = torch.cat([grad.reshape(-1) for grad in grads])
        distributed.all_reduce(flat)
        for grad, summed in zip(grads, flat.split([g.numel() for g in grads]), strict=True):
            grad.copy_(summed.view_as(grad))

    def agree(self, value: float) -> float:
        """Rank 0's value, everywhere: no two processes may decide differently."""
        return self.share(value, source=0)


ALONE = Team()


def end_process(team: Team) -> None:
    """End a process of a team that has done its work; nothing without a team.

    Without the interpreter's clean-up: it now and then destroys a thread of PyTorch's connections
    that still runs, and the process aborts ("terminate called without an active exception").
    """
    if team.size > 1:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


@contextmanager
def joined() -> Iterator[Team]:
    """The team that torchrun started this process in; `ALONE` without torchrun.

    All leave it together; `end_process` comes after it.

    Raises:
        FieldmarkError: more processes than GPUs on a machine that has some.
    """
    team = _join()
    yield team
    # not after an error: the others may wait for a part that never comes, and torchrun ends them
    team.wait()


def _join() -> Team:
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return ALONE
    team = Team(
        rank=int(os.environ["RANK"]),
        size=size,
        local_rank=int(os.environ["LOCAL_RANK"]),
        local_size=int(os.environ["LOCAL_WORLD_SIZE"]),
        sharded=os.environ.get("FIELDMARK_SHARDED") == "1",
    )
    cuda = torch.cuda.is_available()
    if cuda and team.local_size > torch.cuda.device_count():
        raise FieldmarkError(
            f"{team.local_size} processes, but {torch.cuda.device_count()} GPUs: start one process "
            "per GPU (--nproc)"
        )
    if cuda:
        torch.cuda.set_device(team.local_rank)
    torch.set_num_threads(team.threads)
    distributed.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo", timeout=_PATIENCE)
    return team


class _Whole(torch.autograd.Function):
    """All parts in order. Every process computes the same loss of the whole, so the gradient of its
    own part is all there is to know of it."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, team: Team, n: int) -> Tensor:
        ctx.part = team.part(n)
        parts = [team._part(n, rank) for rank in range(team.size)]
        longest = max(part.stop - part.start for part in parts)
        padded = rows.new_zeros((longest, *rows.shape[1:]))
        padded[: len(rows)] = rows
        gathered = [torch.empty_like(padded) for _ in parts]
        distributed.all_gather(gathered, padded)
        return torch.cat(
            [some[: part.stop - part.start] for some, part in zip(gathered, parts, strict=True)]
        )

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Tensor, None, None]:
        return ctx.part.cut(grads[0]), None, None


class _Total(torch.autograd.Function):
    """A sum that everything downstream in every process depends on."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        return _summed(values)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Tensor:
        return _summed(grads[0].contiguous())


def _summed(values: Tensor) -> Tensor:
    summed = values.clone()
    distributed.all_reduce(summed)
    return summed
