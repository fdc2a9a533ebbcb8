"""Images through a network, by all cores, and by all processes of a team."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from classification.learning.crops import Inputs
from classification.learning.shards import divide


def embed_together(
    backbone: nn.Module, inputs: Inputs, paths: Sequence[str], dim: int
) -> NDArray[np.float32]:
    """Embeddings [n, dim]: each process of the team does a part of them.

    Raises:
        FieldmarkError: a crop is missing or unreadable.
    """
    if inputs.team.leads:
        inputs.team.tell(list(paths))
    shares = _shares(paths, inputs)
    rows = np.empty((len(paths), dim), dtype=np.float32)
    rows[shares[0]] = _embed(backbone, inputs, paths, shares[0], dim)
    for rank, share in enumerate(shares[1:], start=1):
        rows[share] = inputs.team.receive(rank, (len(share), dim))
    return rows


def embed_part(*, inputs: Inputs, backbone: nn.Module, dim: int) -> None:
    """What a process that does not lead does in `embed_together`, until there is no more."""
    while (paths := inputs.team.hear()) is not None:
        share = _shares(paths, inputs)[inputs.team.rank]
        inputs.team.hand_in(_embed(backbone, inputs, paths, share, dim))


def _shares(paths: Sequence[str], inputs: Inputs) -> list[NDArray[np.intp]]:
    """Positions for each process, in whole batches: as one process would have made them."""
    size, team = inputs.forward_size, inputs.team
    if team.sharded:
        return divide(paths, inputs)
    batches = -(-len(paths) // size)
    cuts = [min(len(paths), size * (batches * r // team.size)) for r in range(team.size + 1)]
    return [np.arange(start, stop) for start, stop in pairwise(cuts)]


def _embed(
    backbone: nn.Module,
    inputs: Inputs,
    paths: Sequence[str],
    share: NDArray[np.intp],
    dim: int,
) -> NDArray[np.float32]:
    rows = list(forward(backbone, inputs, [paths[int(i)] for i in share]))
    return np.concatenate(rows) if rows else np.empty((0, dim), dtype=np.float32)


def forward(
    backbone: nn.Module, inputs: Inputs, paths: Sequence[str]
) -> Iterator[NDArray[np.float32]]:
    """Embeddings of consecutive batches, float32 [B, D]."""
    backbone = backbone.to(inputs.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    if inputs.device.type == "cpu":
        yield from _by_core(backbone, inputs, paths)
        return
    with torch.inference_mode(), inputs.amp():
        for x in inputs.batches(paths, inputs.forward_size):
            yield backbone(x).float().cpu().numpy()


def _by_core(
    backbone: nn.Module, inputs: Inputs, paths: Sequence[str]
) -> Iterator[NDArray[np.float32]]:
    """Every core decodes and computes its own batches, in one thread each.

    No core waits for another at the end of each layer, which on two cores makes up for all of the
    decoding and more: 1.1 to 1.2 times the rate of the bare network with two threads.
    """

    def embed(batch: Sequence[str]) -> NDArray[np.float32]:
        with torch.inference_mode():
            return backbone(inputs.batch(batch)).float().numpy()

    size = inputs.forward_size
    batches = [paths[start : start + size] for start in range(0, len(paths), size)]
    pool = ThreadPoolExecutor(
        inputs.reader.threads, initializer=torch.set_num_threads, initargs=(1,)
    )
    try:
        yield from pool.map(embed, batches)
    finally:
        pool.shutdown(cancel_futures=True)
