"""What the backbone is trained for: cross-entropy, triplets, or pairs.

An objective gives the layer that is trained on top of the embedding and thrown away afterwards, the
loss of a training batch, and the loss of every validation item, which decides when to stop.
Distances are Euclidean, not squared: with squared ones the loss collapses to a point more easily
(Hermans et al., 2017, arXiv:1703.07737, section 2).
"""

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from classification.config_learning import FinetuneConfig
from classification.learning.mining import PAIRS, TRIPLETS


class Objective(Protocol):
    """A way to train the backbone; outputs are those of `top`, float32 [B, K]."""

    def top(self, dim: int, n_classes: int) -> nn.Module:
        """The layer between embedding and loss."""
        ...

    def loss(self, outputs: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Loss of a training batch, a scalar; 0 where the batch holds nothing to learn from."""
        ...

    def judges(self, labels: Tensor) -> bool:
        """Whether items with these labels suffice to tell a better epoch from a worse."""
        ...

    def each(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Loss of every validation item, float32 [N]; NaN where it cannot be told."""
        ...


class CrossEntropy:
    """Softmax cross-entropy of a linear classifier, with label smoothing in training."""

    def __init__(self, config: FinetuneConfig) -> None:
        self._smoothing = config.label_smoothing

    def top(self, dim: int, n_classes: int) -> nn.Module:
        """A linear classifier."""
        return nn.Linear(dim, n_classes)

    def loss(self, outputs: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Mean over the batch, smoothed."""
        del generator
        return F.cross_entropy(outputs, labels, label_smoothing=self._smoothing)

    def judges(self, labels: Tensor) -> bool:
        """Any item can be judged."""
        return len(labels) > 0

    def each(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy without smoothing."""
        return F.cross_entropy(outputs, labels, reduction="none")


class _Metric:
    """What triplets and pairs share: no layer on top, and items that need others to be judged."""

    def __init__(self, config: FinetuneConfig) -> None:
        self._margin = config.margin

    def top(self, dim: int, n_classes: int) -> nn.Module:
        """Nothing: distances are those of the embeddings."""
        del dim, n_classes
        return nn.Identity()

    def judges(self, labels: Tensor) -> bool:
        """There must be two items of one class and one of another."""
        counts = labels.unique(return_counts=True)[1]
        return len(counts) > 1 and bool((counts > 1).any())

    def each(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Share of an item's (positive, negative) pairs in which the negative is as near or nearer.

        Not the training loss: that changes with the scale of the embedding, and would call the
        epoch best in which everything lies close together.
        """
        distances = _distances(outputs)
        same = labels[:, None] == labels[None, :]
        others = ~torch.eye(len(labels), dtype=torch.bool)
        rows = zip(distances, same & others, ~same, strict=True)
        wrong = [row[near][:, None] >= row[far][None, :] for row, near, far in rows]
        return torch.stack([pairs.float().mean() for pairs in wrong])


class Triplet(_Metric):
    """max(0, d(anchor, positive) - d(anchor, negative) + margin), mean over the mined triplets.

    Weinberger & Saul, 2009 (JMLR 10); mined within the batch as `mining.TRIPLETS` says.
    """

    def __init__(self, config: FinetuneConfig) -> None:
        super().__init__(config)
        self._mine = TRIPLETS[config.mining]

    def loss(self, outputs: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Mean over the mined triplets."""
        chosen = self._mine(
            _distances(outputs), labels.cpu(), margin=self._margin, generator=generator
        ).to(outputs.device)
        if not len(chosen):
            return outputs.sum() * 0
        anchor, positive, negative = (outputs[column] for column in chosen.T)
        gap = F.pairwise_distance(anchor, positive) - F.pairwise_distance(anchor, negative)
        return (gap + self._margin).relu().mean()


class Siamese(_Metric):
    """Contrastive loss: d^2 of a pair of one class, max(0, margin - d)^2 of a pair of two.

    Hadsell, Chopra & LeCun, 2006 (CVPR); mean over the pairs that `mining.PAIRS` chooses.
    """

    def __init__(self, config: FinetuneConfig) -> None:
        super().__init__(config)
        self._mine = PAIRS[config.mining]

    def loss(self, outputs: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Mean over the mined pairs."""
        pairs = self._mine(_distances(outputs), labels.cpu(), generator=generator)
        near, far = (
            F.pairwise_distance(outputs[one], outputs[other])
            for one, other in (chosen.to(outputs.device).T for chosen in pairs)
        )
        terms = torch.cat([near.square(), (self._margin - far).relu().square()])
        return terms.mean() if len(terms) else outputs.sum() * 0


OBJECTIVES: dict[str, type[CrossEntropy] | type[Triplet] | type[Siamese]] = {
    "softmax": CrossEntropy,
    "triplet": Triplet,
    "siamese": Siamese,
}


def _distances(outputs: Tensor) -> Tensor:
    """float32 [B, B] on the CPU, without a gradient."""
    points = outputs.detach().float().cpu()
    return torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist")
