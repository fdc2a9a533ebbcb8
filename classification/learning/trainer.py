"""The steps of one training, and all that changes in it from epoch to epoch."""

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from classification.config_learning import FinetuneConfig
from classification.learning.augment import augment, weak
from classification.learning.consistency import Unlabelled, consistency_loss
from classification.learning.crops import Inputs
from classification.learning.objectives import Objective
from classification.learning.optimisers import Pace
from classification.learning.team import Part

_CHANGES: dict[str, Callable[[Tensor, torch.Generator, Part], Tensor]] = {
    "camera": augment,
    "light": weak,
    "none": lambda batch, generator, part: batch,
}


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """Crops with class ids: `paths` [n], `labels` int64 [n]."""

    paths: list[str]
    labels: NDArray[np.int64]

    def sample(self, most: int, rng: np.random.Generator) -> "Labelled":
        """At most `most` of the items, in their order."""
        return self.take(np.sort(rng.permutation(len(self.labels))[:most]))

    def take(self, rows: NDArray[np.intp]) -> "Labelled":
        """These of the items."""
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


class Trainer:
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
        self.team = inputs.team
        self._size, self._semi, self._pace = size, config.semi, pace
        self._change, self._classes = _CHANGES[config.augment], config.loss == "softmax"
        self._unlabelled = Unlabelled(unlabelled, inputs, config.semi, batch_size=size, seed=seed)
        self._generator = torch.Generator().manual_seed(seed)
        self._losses: list[Tensor] = []  # of the epoch's steps so far
        self._right: Tensor | int = 0
        self._turns = self._unlabelled.state()  # as they were when the epoch began

    def run_epoch(
        self,
        number: int,
        train: Labelled,
        order: NDArray[np.intp],
        *,
        after_step: Callable[[], None] = lambda: None,
    ) -> Epoch:
        """One pass over `order`; of an epoch that was begun before `restore`, what is left of it.

        Args:
            number: of the epoch.
            train: the items.
            order: positions, batch after batch.
            after_step: called after each batch; `state` may be taken then.
        """
        steps, done = math.ceil(len(order) / self._size), len(self._losses)
        left = order[done * self._size :]
        paths, labels = [train.paths[i] for i in left], torch.from_numpy(train.labels[left])
        batches = self._inputs.parts(paths, self._size)
        answers = labels.split(self._size) if len(left) else ()
        pairs = self._unlabelled.pairs(steps, self._generator, done=done)
        _train_mode(self._network)
        for (crops, part), y, pair in zip(batches, answers, pairs, strict=True):
            x = self._inputs.preprocessing.normalise(self._change(crops, self._generator, part))
            loss, known = self._step(x, y.to(x.device), pair)
            self._losses.append(loss)
            self._right += (known.argmax(dim=1) == y.to(x.device)).sum() if self._classes else 0
            after_step()
        return self._close_epoch(number, len(order))

    def _close_epoch(self, number: int, n: int) -> Epoch:
        accuracy = float(self._right) / max(1, n) if self._classes else math.nan
        mean = float(torch.stack(self._losses).mean()) if self._losses else math.nan
        mean, accuracy = map(self.team.agree, (mean, accuracy))
        self._pace.after_epoch(loss=mean, accuracy=accuracy)
        self._losses, self._right, self._turns = [], 0, self._unlabelled.state()
        return Epoch(number=number, loss=mean, accuracy=accuracy)

    def _step(self, x: Tensor, y: Tensor, pair: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Learn from one batch; its loss, and the outputs of its labelled crops.

        Of a team, `x` and `pair` are this process's parts, and `y` and what is returned the whole.
        """
        with self._inputs.amp():
            outputs = self._network(torch.cat([x, *pair]) if pair else x).float()
        pieces = outputs.split([len(x), *map(len, pair)])
        sizes = [len(y), *[self._unlabelled.size for _ in pair]]
        known, *guessed = map(self.team.whole, pieces, sizes)
        loss = self._objective.loss(known, y, self._generator)
        if pair:
            guesses, answers = guessed
            doubt = consistency_loss(guesses, answers, threshold=self._semi.threshold)
            loss = loss + self._semi.weight * doubt
        self._pace.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.team.add_gradients(self._network.parameters())
        self._pace.optimiser.step()
        self._pace.after_step()
        return loss.detach(), known.detach()

    def weights(self) -> dict[str, Tensor]:
        """A copy of the network's weights as they are now."""
        return copy.deepcopy(self._network.state_dict())

    def state(self) -> dict[str, Any]:
        """All that later steps depend on, after any step: plain values and tensors."""
        return {
            "network": self._network.state_dict(),
            "optimiser": self._pace.optimiser.state_dict(),
            "schedule": self._pace.schedule.state_dict(),
            "generator": self._generator.get_state(),
            "turns": self._turns,
            "losses": torch.stack(self._losses).cpu() if self._losses else torch.empty(0),
            "right": int(self._right),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Be where another trainer of the same training was at `state`."""
        self._network.load_state_dict(state["network"])
        self._pace.optimiser.load_state_dict(state["optimiser"])
        self._pace.schedule.load_state_dict(state["schedule"])
        self._generator.set_state(state["generator"])
        self._turns = state["turns"]
        self._unlabelled.restore(self._turns)
        # a state by an earlier version, written after an epoch, has neither
        self._losses = list(state.get("losses", torch.empty(0)).to(self._inputs.device))
        self._right = state.get("right", 0)

    @torch.inference_mode()
    def validation_loss(self, val: Labelled) -> float:
        """Mean over classes of the mean loss of their items."""
        self._network.eval()
        outputs = []
        for crops, part in self._inputs.parts(val.paths, self._size):
            with self._inputs.amp():
                rows = self._network(self._inputs.preprocessing.normalise(crops)).float()
            outputs.append(self.team.whole(rows, part.of).cpu())
        labels = torch.from_numpy(val.labels)
        loss = self._objective.each(torch.cat(outputs), labels).cpu().double().numpy()
        told = np.isfinite(loss)
        known = val.labels[told]
        mean = float(np.mean([loss[told][known == c].mean() for c in np.unique(known)]))
        return self.team.agree(mean)


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
