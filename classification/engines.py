"""Engines for `classification.environment`: a network of your own, or no network at all."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classification.config_learning import FinetuneConfig, HeadConfig
from classification.data.dataset import Dataset
from classification.linear import fit_linear
from classification.selection import Seen

if TYPE_CHECKING:
    from torch import nn

    from classification.learning.crops import Inputs

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True, kw_only=True)
class ArrayEngine:
    """Logistic regression on embeddings that stay as they are: float32 [N, D]."""

    embeddings: NDArray[np.float32]
    inverse_penalty: float = 0.01
    """Inverse strength of the L2 penalty (scikit-learn's C)."""

    def learn(self, rows: NDArray[np.intp], labels: NDArray[np.int64], n_classes: int) -> Seen:
        """Fit from scratch; see `environment.Engine`."""
        if not len(rows):
            return Seen(embeddings=self.embeddings)
        head = fit_linear(self.embeddings[rows], labels, inverse_penalty=self.inverse_penalty)
        probs = head.predict(self.embeddings, n_classes)
        return Seen(embeddings=self.embeddings, probs=probs, head=head)


@dataclass(frozen=True, kw_only=True)
class NetworkEngine:
    """Any torch network from image to embedding, and a head on top.

    `network` maps float32 [B, 3, S, S] to float32 [B, D]. With `training` of one epoch or more it
    is trained further, in place, each time it learns.
    """

    network: "nn.Module"
    dataset: Dataset
    image_size: int = 224
    """S: side in pixels of the square that an image is resized to."""
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    training: FinetuneConfig = field(default_factory=FinetuneConfig)
    head: HeadConfig = field(default_factory=HeadConfig)
    threads: int = 0
    """That read images; 0: one per core."""
    seed: int = 0

    def learn(self, rows: NDArray[np.intp], labels: NDArray[np.int64], n_classes: int) -> Seen:
        """Train the network where that is wanted, embed everything, fit the head from scratch."""
        from classification.learning.fit_head import Known, fit_head
        from classification.learning.forward import forward

        inputs, data = self._inputs(), self.dataset
        if self.training.epochs and len(np.unique(labels)) > 1:
            self._train(inputs, rows, labels, n_classes)
        embeddings = np.concatenate(list(forward(self.network.eval(), inputs, data.paths)))
        if not len(rows):
            return Seen(embeddings=embeddings)
        kept = data.rows("val", labelled=True)
        val = Known(embeddings=embeddings[kept], labels=data.labels[kept])
        head = fit_head(embeddings[rows], labels, config=self.head, val=val, seed=self.seed)
        return Seen(embeddings=embeddings, probs=head.predict(embeddings, n_classes), head=head)

    def _inputs(self) -> "Inputs":
        from classification.learning.crops import CropReader, Inputs, Preprocessing
        from classification.learning.fit import best_device

        reader = CropReader(self.dataset.crops, size=self.image_size, threads=self.threads)
        preprocessing = Preprocessing(image_size=self.image_size, mean=self.mean, std=self.std)
        return Inputs(reader=reader, preprocessing=preprocessing, device=best_device())

    def _train(
        self,
        inputs: "Inputs",
        rows: NDArray[np.intp],
        labels: NDArray[np.int64],
        n_classes: int,
    ) -> None:
        from classification.learning.backbones import embedding_size
        from classification.learning.finetune import Labelled, finetune

        data, kept = self.dataset, self.dataset.rows("val", labelled=True)
        paths = data.paths
        finetune(
            self.network,
            inputs,
            train=Labelled(paths=[paths[i] for i in rows], labels=labels),
            val=Labelled(paths=[paths[i] for i in kept], labels=data.labels[kept]),
            dim=embedding_size(self.network.cpu().eval(), self.image_size),
            n_classes=n_classes,
            config=self.training,
            seed=self.seed + len(rows),
        )
