"""Images through a network, by all cores, and by all processes of a team."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from classification.learning.crops import Inputs


def embed_together(
    backbone: nn.Module, inputs: Inputs, paths: Sequence[str], dim: int
) -> Iterator[NDArray[np.float32]]:
    """Embeddings of consecutive items, [B, dim]: each process of the team does a part of them."""
    shares = _shares(paths, inputs)
    if inputs.team.leads:
        inputs.team.tell(shares)
    yield from forward(backbone, inputs, shares[0])
    for rank, share in enumerate(shares[1:], start=1):
        yield inputs.team.receive(rank, (len(share), dim))


def _shares(paths: Sequence[str], inputs: Inputs) -> list[Sequence[str]]:
    """A share for each process, of whole batches: as one process would have made them."""
    size, team = inputs.forward_size, inputs.team
    batches = -(-len(paths) // size)
    cuts = [size * (batches * rank // team.size) for rank in range(team.size + 1)]
    return [paths[start:stop] for start, stop in pairwise(cuts)]


def embed_part(*, inputs: Inputs, backbone: nn.Module) -> None:
    """What a process that does not lead does in `embed_items`."""
    while (shares := inputs.team.hear()) is not None:
        rows = list(forward(backbone, inputs, shares[inputs.team.rank]))
        if rows:
            inputs.team.hand_in(np.concatenate(rows))


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
