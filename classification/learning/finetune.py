"""Training the backbone on the labels at hand, with a throw-away linear classifier on top."""

import copy
import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F
from tqdm import tqdm

from classification.config import FinetuneConfig
from classification.learning.augment import augment
from classification.learning.crops import Inputs

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
) -> int:
    """Train `backbone` in place and leave it, on the CPU, with the weights of its best epoch.

    Classes are drawn equally often, so that a rare species counts as much as a common one. The
    best epoch has the lowest class-balanced cross-entropy on `val`; training stops after
    `config.patience` epochs without a better one. Without validation items all epochs are run.

    Returns:
        Epochs that were run.
    """
    rng = np.random.default_rng(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = nn.Sequential(backbone, nn.Linear(dim, n_classes))
    network.to(inputs.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    step = _Step(network, inputs, config, n_items=len(train.labels), seed=seed)
    val = val.sample(_MOST_VALIDATION, rng)
    best, best_state, stale, epoch = math.inf, None, 0, 0
    with tqdm(total=config.epochs, desc="fine-tune", unit="epoch", leave=False) as bar:
        while epoch < config.epochs and stale < config.patience:
            epoch += 1
            step.run_epoch(train, _balanced_order(train.labels, rng))
            bar.update()
            if len(val.labels):
                loss = _balanced_loss(network, inputs, val, config.batch_size)
                bar.set_postfix(val_loss=f"{loss:.3f}")
                stale = 0 if loss < best else stale + 1
                if loss < best:
                    best, best_state = loss, copy.deepcopy(backbone.state_dict())
    if best_state is not None:
        backbone.load_state_dict(best_state)
    backbone.cpu().eval()
    return epoch


class _Step:
    """Optimiser, schedule and augmentation of one fine-tuning."""

    def __init__(
        self, network: nn.Module, inputs: Inputs, config: FinetuneConfig, *, n_items: int, seed: int
    ) -> None:
        self._network, self._inputs, self._config = network, inputs, config
        self._generator = torch.Generator().manual_seed(seed)
        self._optimiser = torch.optim.AdamW(
            network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        steps = math.ceil(n_items / config.batch_size) * config.epochs
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            self._optimiser, max_lr=config.learning_rate, total_steps=steps + 1
        )

    def run_epoch(self, train: Labelled, order: NDArray[np.intp]) -> None:
        """One pass over `order`; a last batch of one is left out, batch norm cannot train on it."""
        size = self._config.batch_size
        if len(order) % size == 1:
            order = order[:-1]
        paths, labels = [train.paths[i] for i in order], torch.from_numpy(train.labels[order])
        batches = self._inputs.batches(
            paths, size, change=lambda batch: augment(batch, self._generator)
        )
        self._network.train()
        for x, y in zip(batches, labels.split(size), strict=True):
            with self._inputs.amp():
                logits = self._network(x)
            loss = F.cross_entropy(
                logits.float(), y.to(x.device), label_smoothing=self._config.label_smoothing
            )
            self._optimiser.zero_grad(set_to_none=True)
            loss.backward()
            self._optimiser.step()
            self._schedule.step()


def _balanced_order(labels: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.intp]:
    """As many draws as labels, each class equally likely, no item twice before all came once."""
    classes = np.unique(labels)
    share = math.ceil(len(labels) / len(classes))
    drawn = []
    for value in classes:
        rows = np.flatnonzero(labels == value)
        passes = [rng.permutation(rows) for _ in range(math.ceil(share / len(rows)))]
        drawn.append(np.concatenate(passes)[:share])
    return rng.permutation(np.concatenate(drawn))[: len(labels)]


@torch.inference_mode()
def _balanced_loss(network: nn.Module, inputs: Inputs, val: Labelled, batch_size: int) -> float:
    """Mean over classes of the mean cross-entropy."""
    network.eval()
    labels = torch.from_numpy(val.labels)
    losses = []
    for x, y in zip(inputs.batches(val.paths, batch_size), labels.split(batch_size), strict=True):
        with inputs.amp():
            logits = network(x)
        losses.append(F.cross_entropy(logits.float(), y.to(x.device), reduction="none").cpu())
    loss = torch.cat(losses).double().numpy()
    return float(np.mean([loss[val.labels == c].mean() for c in np.unique(val.labels)]))
