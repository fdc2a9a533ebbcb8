"""Training the backbone on the labels at hand, with a throw-away layer on top."""

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from tqdm import tqdm

from classification.config_learning import FinetuneConfig
from classification.learning.augment import augment
from classification.learning.consistency import Unlabelled, consistency_loss
from classification.learning.crops import Inputs
from classification.learning.loaders import batch_size, epoch_order, steps_per_epoch
from classification.learning.objectives import OBJECTIVES, Objective

_MOST_VALIDATION = 1_000  # crops that decide when to stop: enough for a steady loss


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """Crops with class ids: `paths` [n], `labels` int64 [n]."""

    paths: list[str]
    labels: NDArray[np.int64]

    def sample(self, most: int, rng: np.random.Generator) -> "Labelled":
        """At most `most` of the items, in their order."""
        rows = np.sort(rng.permutation(len(self.labels))[:most])
        return Labelled(paths=[self.paths[i] for i in rows], labels=self.labels[rows])


def finetune(
    backbone: nn.Module,
    inputs: Inputs,
    *,
    train: Labelled,
    val: Labelled,
    dim: int,
    n_classes: int,
    config: FinetuneConfig,
    seed: int,
    unlabelled: Sequence[str] = (),
) -> int:
    """Train `backbone` in place and leave it, on the CPU, with the weights of its best epoch.

    The best epoch has the lowest loss on `val`, every class counting the same; training stops after
    `config.patience` epochs without a better one. Without validation items (for triplets and pairs:
    without two of one class and one of another) all epochs are run.

    Args:
        backbone: float32 [B, 3, S, S] to float32 [B, dim].
        inputs: where crops come from, and the device.
        train: at least two classes.
        val: may be empty.
        dim: of the embedding.
        n_classes: class ids are below it.
        config: the recipe; its `first` is not looked at.
        seed: of the layer on top, the order of crops and their augmentation.
        unlabelled: crops to learn from by guesses where `config.semi` says so.

    Returns:
        Epochs that were run.
    """
    rng = np.random.default_rng(seed)
    objective: Objective = OBJECTIVES[config.loss](config)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = nn.Sequential(backbone, objective.top(dim, n_classes))
    network.to(inputs.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    trainer = _Trainer(
        network, objective, inputs, config, labels=train.labels, unlabelled=unlabelled, seed=seed
    )
    val = val.sample(_MOST_VALIDATION, rng)
    judged = objective.judges(torch.from_numpy(val.labels))
    best, best_state, stale, epoch = math.inf, None, 0, 0
    with tqdm(total=config.epochs, desc="fine-tune", unit="epoch", leave=False) as bar:
        while epoch < config.epochs and stale < config.patience:
            epoch += 1
            trainer.run_epoch(train, epoch_order(train.labels, config, rng))
            bar.update()
            if judged:
                loss = trainer.validation_loss(val)
                bar.set_postfix(val_loss=f"{loss:.3f}")
                stale = 0 if loss < best else stale + 1
                if loss < best:
                    best, best_state = loss, copy.deepcopy(backbone.state_dict())
    if best_state is not None:
        backbone.load_state_dict(best_state)
    backbone.cpu().eval()
    return epoch


class _Trainer:
    """Optimiser, schedule and augmentation of one training."""

    def __init__(
        self,
        network: nn.Module,
        objective: Objective,
        inputs: Inputs,
        config: FinetuneConfig,
        *,
        labels: NDArray[np.int64],
        unlabelled: Sequence[str],
        seed: int,
    ) -> None:
        self._network, self._objective, self._inputs = network, objective, inputs
        self._size, self._semi = batch_size(labels, config), config.semi
        self._unlabelled = Unlabelled(
            unlabelled, inputs, config.semi, batch_size=self._size, seed=seed
        )
        self._generator = torch.Generator().manual_seed(seed)
        steps = steps_per_epoch(labels, config) * config.epochs
        self._optimiser, self._schedule = _OPTIMISERS[config.optimiser](network, config, steps)

    def run_epoch(self, train: Labelled, order: NDArray[np.intp]) -> None:
        """One pass over `order`."""
        paths, labels = [train.paths[i] for i in order], torch.from_numpy(train.labels[order])
        batches = self._inputs.batches(
            paths, self._size, change=lambda batch: augment(batch, self._generator)
        )
        pairs = self._unlabelled.pairs(math.ceil(len(order) / self._size), self._generator)
        _train_mode(self._network)
        for x, y, pair in zip(batches, labels.split(self._size), pairs, strict=True):
            with self._inputs.amp():
                outputs = self._network(torch.cat([x, *pair]) if pair else x).float()
            known, guessed = outputs[: len(x)], outputs[len(x) :]
            loss = self._objective.loss(known, y.to(x.device), self._generator)
            if pair:
                guesses, answers = guessed.chunk(2)
                threshold = self._semi.threshold
                doubt = consistency_loss(guesses, answers, threshold=threshold)
                loss = loss + self._semi.weight * doubt
            self._optimiser.zero_grad(set_to_none=True)
            loss.backward()
            self._optimiser.step()
            self._schedule.step()

    @torch.inference_mode()
    def validation_loss(self, val: Labelled) -> float:
        """Mean over classes of the mean loss of their items."""
        self._network.eval()
        outputs = []
        for x in self._inputs.batches(val.paths, self._size):
            with self._inputs.amp():
                outputs.append(self._network(x).float().cpu())
        labels = torch.from_numpy(val.labels)
        loss = self._objective.each(torch.cat(outputs), labels).cpu().double().numpy()
        told = np.isfinite(loss)
        known = val.labels[told]
        return float(np.mean([loss[told][known == c].mean() for c in np.unique(known)]))


def _train_mode(network: nn.Module) -> None:
    """Train mode, but for batch norms that are folded into the convolution before them.

    Weights converted from a release for phones hold such: a bias, but mean 0 and variance 1 that no
    batch ever updated. Normalised by the statistics of a batch, such a network is another one: 60
    labels and 24 steps took the MobileNetV2 of the real data from macro-F1 0.35 to 0.05.
    """
    network.train()
    for layer in network.modules():
        if isinstance(layer, _BatchNorm) and _folded(layer):
            layer.eval()


def _folded(layer: _BatchNorm) -> bool:
    if layer.running_mean is None or layer.bias is None:
        return False
    random = not layer.bias.any()  # fresh from the library, it has no bias yet
    seen = layer.num_batches_tracked is not None and bool(layer.num_batches_tracked > 0)
    return not random and not seen and not layer.running_mean.any()


def _adamw(
    network: nn.Module, config: FinetuneConfig, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )
    return optimiser, torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=config.learning_rate, total_steps=steps + 1
    )


def _adam(
    network: nn.Module, config: FinetuneConfig, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    del steps
    optimiser = torch.optim.Adam(
        network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )
    return optimiser, torch.optim.lr_scheduler.ConstantLR(optimiser, factor=1)


_OPTIMISERS = {"adamw": _adamw, "adam": _adam}
