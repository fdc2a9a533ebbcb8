"""Which pairs and triplets of a batch to learn from: rows of a matrix of distances.

All functions look at distances without a gradient and give positions in the batch; the loss then
computes the distances of the chosen ones anew. Random choices come from the generator alone.
"""

from collections.abc import Callable

import torch
from torch import Tensor

_FAR = torch.inf


def random_triplets(
    distances: Tensor, labels: Tensor, *, margin: float, generator: torch.Generator
) -> Tensor:
    """Every anchor with every positive, and one random negative that violates the margin.

    A triplet that already holds the margin has no gradient, so the draw is among the negatives
    nearer than the positive plus `margin`; where there is none, the pair is left out.

    Args:
        distances: float32 [B, B].
        labels: int64 [B].
        margin: wanted distance between classes.
        generator: on the CPU.

    Returns:
        int64 [T, 3]: anchor, positive, negative.
    """
    anchor, positive, negatives = _anchors(labels)
    violating = negatives & (distances[anchor] < _reach(distances, anchor, positive) + margin)
    draws = torch.rand(violating.shape, generator=generator).masked_fill(~violating, -1)
    return _complete(anchor, positive, draws.argmax(dim=1), violating.any(dim=1))


def semi_hard_triplets(
    distances: Tensor, labels: Tensor, *, margin: float, generator: torch.Generator
) -> Tensor:
    """Every anchor with every positive, and its nearest negative beyond the positive.

    The negative lies farther than the positive but within the margin (Schroff, Kalenichenko &
    Philbin, 2015, arXiv:1503.03832, section 3.2), which avoids the collapse that the very hardest
    negatives cause early on. Pairs without such a negative are left out. Arguments and result as
    in `random_triplets`; nothing is drawn.
    """
    del generator
    anchor, positive, negatives = _anchors(labels)
    reach, row = _reach(distances, anchor, positive), distances[anchor]
    inside = negatives & (row > reach) & (row < reach + margin)
    nearest = row.masked_fill(~inside, _FAR).argmin(dim=1)
    return _complete(anchor, positive, nearest, inside.any(dim=1))


def hardest_triplets(
    distances: Tensor, labels: Tensor, *, margin: float, generator: torch.Generator
) -> Tensor:
    """Every anchor once, with its farthest positive and its nearest negative.

    "Batch hard" of Hermans, Beyer & Leibe, 2017, arXiv:1703.07737, section 2. Triplets that hold
    the margin stay in and count as 0. Arguments and result as in `random_triplets`; nothing is
    drawn.
    """
    del margin, generator
    return torch.stack(_hardest(distances, labels), dim=1)


def random_pairs(
    distances: Tensor, labels: Tensor, *, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Every pair of one class, and as many random pairs of two classes (all, if there are fewer).

    Args:
        distances: float32 [B, B].
        labels: int64 [B].
        generator: on the CPU.

    Returns:
        Positive pairs int64 [P, 2] and negative pairs int64 [Q, 2].
    """
    del distances
    upper = torch.ones(len(labels), len(labels), dtype=torch.bool).triu(1)
    same = labels[:, None] == labels[None, :]
    positive, negative = (same & upper).nonzero(), (~same & upper).nonzero()
    drawn = torch.randperm(len(negative), generator=generator)[: len(positive)]
    return positive, negative[drawn]


def hard_pairs(
    distances: Tensor, labels: Tensor, *, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Of every crop the pair with its farthest positive and the pair with its nearest negative.

    The pairs that `hardest_triplets` is made of. Arguments and result as in `random_pairs`; nothing
    is drawn.
    """
    del generator
    anchor, positive, negative = _hardest(distances, labels)
    return torch.stack([anchor, positive], dim=1), torch.stack([anchor, negative], dim=1)


TRIPLETS: dict[str, Callable[..., Tensor]] = {
    "random": random_triplets,
    "semi_hard": semi_hard_triplets,
    "hardest": hardest_triplets,
}
PAIRS: dict[str, Callable[..., tuple[Tensor, Tensor]]] = {
    "random": random_pairs,
    "hard_pair": hard_pairs,
}


def _same(labels: Tensor) -> Tensor:
    """bool [B, B]: two different items of one class."""
    return (labels[:, None] == labels[None, :]).fill_diagonal_(False)


def _anchors(labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Anchors and positives int64 [P], and which items are negatives of the anchor, bool [P, B]."""
    anchor, positive = _same(labels).nonzero(as_tuple=True)
    return anchor, positive, labels[anchor, None] != labels[None, :]


def _reach(distances: Tensor, anchor: Tensor, positive: Tensor) -> Tensor:
    return distances[anchor, positive][:, None]


def _complete(anchor: Tensor, positive: Tensor, negative: Tensor, found: Tensor) -> Tensor:
    return torch.stack([anchor, positive, negative], dim=1)[found]


def _hardest(distances: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Anchors that have both, their farthest positives and their nearest negatives, int64 [A]."""
    same, other = _same(labels), labels[:, None] != labels[None, :]
    farthest = distances.masked_fill(~same, -_FAR).argmax(dim=1)
    nearest = distances.masked_fill(~other, _FAR).argmin(dim=1)
    anchor = (same.any(dim=1) & other.any(dim=1)).nonzero().flatten()
    return anchor, farthest[anchor], nearest[anchor]
