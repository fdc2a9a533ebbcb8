"""Training the backbone on the labels at hand, with a throw-away layer on top."""

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from tqdm import tqdm

from classification.config_learning import FinetuneConfig
from classification.learning.augment import augment, weak
from classification.learning.consistency import Unlabelled, consistency_loss
from classification.learning.crops import Inputs
from classification.learning.loaders import batch_size, epoch_order, steps_per_epoch
from classification.learning.objectives import OBJECTIVES, Objective
from classification.learning.optimisers import MakePace, Pace, make_pace
from classification.learning.team import Part
from classification.learning.team_norm import whole_statistics

_CHANGES: dict[str, Callable[[Tensor, torch.Generator, Part], Tensor]] = {
    "camera": augment,
    "light": weak,
    "none": lambda batch, generator, part: batch,
}
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


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """What one epoch came to.

    Attributes:
        number: 1 for the first.
        loss: mean over its batches.
        accuracy: share of its crops that were right while they were trained on; NaN for losses
            without classes.
        val_loss: on the validation items, every class counting the same; NaN without any.
    """

    number: int
    loss: float
    accuracy: float
    val_loss: float = math.nan


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A training that is over: epochs that were run, and the layer that stood on the backbone."""

    epochs: int
    top: nn.Module


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
    pace: MakePace = make_pace,
    watch: Callable[[Epoch], None] = lambda epoch: None,
) -> Trained:
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
        pace: optimiser and schedule, where the recipe's are not wanted.
        watch: called after every epoch.

    Returns:
        The epochs that were run, and the layer on top: of the best epoch, too.
    """
    team = inputs.team
    if team.leads:
        call = {"train": train, "val": val, "dim": dim, "n_classes": n_classes, "config": config}
        call |= {"seed": seed, "unlabelled": unlabelled, "pace": pace}
        team.tell(("finetune", {**call, "backbone": backbone.cpu()}))
    rng = np.random.default_rng(seed)
    objective: Objective = OBJECTIVES[config.loss](config)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = nn.Sequential(backbone, objective.top(dim, n_classes))
    network.to(inputs.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    steps = steps_per_epoch(train.labels, config) * config.epochs
    trainer = _Trainer(
        network,
        objective,
        inputs,
        config,
        pace=pace(network, config, steps),
        size=batch_size(train.labels, config),
        unlabelled=unlabelled,
        seed=seed,
    )
    val = val.sample(_MOST_VALIDATION, rng)
    judged = objective.judges(torch.from_numpy(val.labels))
    best, best_state, stale, epoch = math.inf, None, 0, 0
    with (
        whole_statistics(network, team),
        tqdm(
            total=config.epochs,
            desc="fine-tune",
            unit="epoch",
            leave=False,
            disable=team.rank > 0,
        ) as bar,
    ):
        while epoch < config.epochs and stale < config.patience:
            epoch += 1
            done = trainer.run_epoch(epoch, train, epoch_order(train.labels, config, rng))
            bar.update()
            if judged:
                done = replace(done, val_loss=team.agree(trainer.validation_loss(val)))
                bar.set_postfix(val_loss=f"{done.val_loss:.3f}")
                stale = 0 if done.val_loss < best else stale + 1
                if done.val_loss < best:
                    best, best_state = done.val_loss, copy.deepcopy(network.state_dict())
            watch(done)
    if best_state is not None:
        network.load_state_dict(best_state)
    network.cpu().eval()
    return Trained(epochs=epoch, top=network[1])


class _Trainer:
    """The steps of one training."""

    def __init__(
        self,
        network: nn.Module,
        objective: Objective,
        inputs: Inputs,
        config: FinetuneConfig,
        *,
        pace: Pace,
        size: int,
        unlabelled: Sequence[str],
        seed: int,
    ) -> None:
        self._network, self._objective, self._inputs = network, objective, inputs
        self._size, self._semi, self._pace = size, config.semi, pace
        self._change, self._classes = _CHANGES[config.augment], config.loss == "softmax"
        self._unlabelled = Unlabelled(unlabelled, inputs, config.semi, batch_size=size, seed=seed)
        self._generator = torch.Generator().manual_seed(seed)

    def run_epoch(self, number: int, train: Labelled, order: NDArray[np.intp]) -> Epoch:
        """One pass over `order`."""
        paths, labels = [train.paths[i] for i in order], torch.from_numpy(train.labels[order])
        batches = self._inputs.parts(paths, self._size)
        pairs = self._unlabelled.pairs(math.ceil(len(order) / self._size), self._generator)
        _train_mode(self._network)
        losses, right = [], 0
        for (crops, part), y, pair in zip(batches, labels.split(self._size), pairs, strict=True):
            x = self._inputs.preprocessing.normalise(self._change(crops, self._generator, part))
            loss, known = self._step(x, y.to(x.device), pair)
            losses.append(loss)
            right += (known.argmax(dim=1) == y.to(x.device)).sum() if self._classes else 0
        accuracy = float(right) / max(1, len(order)) if self._classes else math.nan
        mean = float(torch.stack(losses).mean()) if losses else math.nan
        mean, accuracy = map(self._inputs.team.agree, (mean, accuracy))
        self._pace.after_epoch(loss=mean, accuracy=accuracy)
        return Epoch(number=number, loss=mean, accuracy=accuracy)

    def _step(self, x: Tensor, y: Tensor, pair: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Learn from one batch; its loss, and the outputs of its labelled crops.

        Of a team, `x` and `pair` are this process's parts, and `y` and what is returned the whole.
        """
        with self._inputs.amp():
            outputs = self._network(torch.cat([x, *pair]) if pair else x).float()
        pieces = outputs.split([len(x), *map(len, pair)])
        sizes = [len(y), *[self._unlabelled.size for _ in pair]]
        known, *guessed = map(self._inputs.team.whole, pieces, sizes)
        loss = self._objective.loss(known, y, self._generator)
        if pair:
            guesses, answers = guessed
            doubt = consistency_loss(guesses, answers, threshold=self._semi.threshold)
            loss = loss + self._semi.weight * doubt
        self._pace.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self._inputs.team.add_gradients(self._network.parameters())
        self._pace.optimiser.step()
        self._pace.after_step()
        return loss.detach(), known.detach()

    @torch.inference_mode()
    def validation_loss(self, val: Labelled) -> float:
        """Mean over classes of the mean loss of their items."""
        self._network.eval()
        outputs = []
        for crops, part in self._inputs.parts(val.paths, self._size):
            with self._inputs.amp():
                rows = self._network(self._inputs.preprocessing.normalise(crops)).float()
            outputs.append(self._inputs.team.whole(rows, part.of).cpu())
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
