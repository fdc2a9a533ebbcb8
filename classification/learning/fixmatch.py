"""A head trained on the labels at hand and on unlabelled embeddings.

Sohn et al. 2020, "FixMatch: Simplifying Semi-Supervised Learning with Consistency and Confidence"
(NeurIPS), with noise, dropout and mixing of embeddings in the place of image augmentation: what the
model is sure of on a weakly disturbed item is its target on the strongly disturbed one.
"""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from classification.errors import FieldmarkError
from classification.learning.fixmatch_config import FixMatchConfig
from classification.learning.fixmatch_data import Training
from classification.learning.fixmatch_trainer import Trainer
from classification.learning.head import Head
from classification.learning.standardise import block_rows


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How training goes, after each step.

    Attributes:
        step, steps: 1 to `steps`, if nothing stops it.
        labelled: loss on labelled items.
        unlabelled: loss on pseudo-labels.
        used: share of unlabelled items (of unknown classes, under sigmoid) with a pseudo-label.
        held_out: loss on held-out items after the newest epoch; None before, or without any.
    """

    step: int
    steps: int
    labelled: float
    unlabelled: float
    used: float
    held_out: float | None


OnStep = Callable[[Progress], bool | None]
"""Called after each step; returning False ends training, and what was learned is kept."""


@dataclass(frozen=True, kw_only=True)
class FixMatchModel:
    """A trained head.

    Attributes:
        network: standardised float32 [B, ...] to logits [B, C].
        mean, scale: float32, of the standardisation, one per feature or channel.
        config: what it was trained with.
        held_out: its loss on held-out items; None without any.
    """

    network: nn.Module
    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    config: FixMatchConfig
    held_out: float | None

    def predict(self, embeddings: NDArray[np.floating]) -> NDArray[np.float32]:
        """Probabilities float32 [N, C]: rows sum to 1 under softmax, otherwise each by itself."""
        parts, step = [], block_rows(embeddings)
        with torch.inference_mode():
            for start in range(0, max(1, len(embeddings)), step):
                block = np.asarray(embeddings[start : start + step], dtype=np.float32)
                logits = self.network(torch.from_numpy((block - self.mean) / self.scale))
                softmax = self.config.output == "softmax"
                parts.append((logits.softmax(dim=1) if softmax else logits.sigmoid()).numpy())
        return np.concatenate(parts)

    def head(self, classes: NDArray[np.int64]) -> Head:
        """The same classifier as a head that a run stores and exports.

        Args:
            classes: int64, ids of the classes that have labels; the others' columns are dropped.

        Raises:
            FieldmarkError: the network is not the one `config` describes, or not a softmax.
        """
        layers = list(self.network.children())
        linear = [layer for layer in layers if isinstance(layer, nn.Linear)]
        ours = all(isinstance(layer, nn.Linear | nn.ReLU) for layer in layers)
        if self.config.output != "softmax" or not linear or not ours:
            raise FieldmarkError(
                f"a {type(self.network).__name__} with {self.config.output} output cannot become "
                "a head; train with softmax and without a network of your own"
            )
        weights = [layer.weight.detach().numpy() for layer in linear]
        biases = [layer.bias.detach().numpy() for layer in linear]
        return Head(
            mean=self.mean,
            scale=self.scale,
            weights=(*weights[:-1], weights[-1][classes]),
            biases=(*biases[:-1], biases[-1][classes]),
            classes=classes,
        )


def fit_fixmatch(
    embeddings: NDArray[np.floating],
    targets: NDArray[np.floating],
    *,
    config: FixMatchConfig,
    seed: int,
    mask: NDArray[np.bool_] | None = None,
    pool: NDArray[np.bool_] | None = None,
    per_channel: bool = False,
    on_step: OnStep | None = None,
    network: nn.Module | None = None,
) -> FixMatchModel:
    """Train on the CPU, from scratch; the same for the same seed.

    Args:
        embeddings: [N, D], may be memory-mapped; or [N, ...], feature maps, with a `network`.
        targets: [N, C]: 1 present, 0 absent, NaN or None unknown; all unknown is an unlabelled
            item. Under softmax at most one is present, and absent ones narrow down the others.
        config: head, loss and recipe.
        seed: of the first weights, the draws and the disturbances.
        mask: bool [N], items to learn from; labelled ones outside are held out, and decide when to
            stop. None: all, and all epochs are run.
        pool: bool [N], items that may take part unlabelled; None: all that are not held out.
        per_channel: of feature maps [N, ..., C], to standardise and disturb channels instead of
            features.
        on_step: called after each step.
        network: to train in place of the head that `config.hidden` describes; changed in place.

    Raises:
        FieldmarkError: lengths differ, NaN or infinity in the embeddings, targets that are none of
            the above, or nothing labelled to learn from.
    """
    data = Training.of(
        embeddings,
        np.asarray(targets, dtype=np.float32),
        mask,
        config,
        pool=pool,
        per_channel=per_channel,
    )
    trainer = Trainer(data, config, seed=seed, network=network)
    steps_per_epoch = math.ceil(config.samples_per_epoch / config.batch_size)
    steps = config.epochs * steps_per_epoch
    best, best_loss, waited, held_out = trainer.averaged, math.inf, 0, None
    for step in range(1, steps + 1):
        labelled, unlabelled, used = trainer.step(step / steps)
        if step % steps_per_epoch == 0 and len(data.held_out):
            held_out = trainer.held_out_loss()
            waited = 0 if held_out < best_loss else waited + 1
            if held_out < best_loss:
                best, best_loss = copy.deepcopy(trainer.averaged), held_out
        progress = Progress(
            step=step,
            steps=steps,
            labelled=labelled,
            unlabelled=unlabelled,
            used=used,
            held_out=held_out,
        )
        if (on_step and on_step(progress) is False) or waited >= config.patience:
            break
    return FixMatchModel(
        network=best.eval(),
        mean=data.mean,
        scale=data.scale,
        config=config,
        held_out=None if held_out is None else best_loss,
    )
