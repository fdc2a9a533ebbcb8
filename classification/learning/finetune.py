"""Training the backbone on the labels at hand, with a throw-away layer on top."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from classification.config_learning import FinetuneConfig
from classification.errors import FieldmarkError
from classification.learning.crops import Inputs
from classification.learning.loaders import batch_size, epoch_order, steps_per_epoch
from classification.learning.milestones import Milestones
from classification.learning.objectives import OBJECTIVES, Objective
from classification.learning.optimisers import MakePace, make_pace
from classification.learning.shards import spread
from classification.learning.team_norm import whole_statistics
from classification.learning.trainer import Epoch, Labelled, Trainer

__all__ = ["Epoch", "Labelled", "Trained", "finetune"]

_MOST_VALIDATION = 1_000  # crops that decide when to stop: enough for a steady loss
_SETTLING = 100  # steps in which batch norms, by their momentum of 0.1, forget what they began with


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
    milestones: Milestones | None = None,
    watch: Callable[[Epoch], None] = lambda epoch: None,
) -> Trained:
    """Train `backbone` in place and leave it, on the CPU, with the weights of its best epoch.

    The best epoch has the lowest loss on `val`, every class counting the same; training stops after
    `config.patience` epochs, and 100 steps at least, without a better one. Without validation items
    of classes in `train` (for triplets and pairs: without two of one class and one of another) all
    epochs are run.

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
        milestones: where to keep what a training that was stopped goes on from.
        watch: called after every epoch that is run.

    Returns:
        The epochs that were run, and the layer on top: of the best epoch, too.

    Raises:
        FieldmarkError: the loss became infinite or NaN before any epoch was better than another.
    """
    team, milestones = inputs.team, milestones or Milestones()
    found = milestones.read()
    if team.leads:
        call = {"train": train, "val": val, "dim": dim, "n_classes": n_classes, "config": config}
        call |= {"seed": seed, "unlabelled": unlabelled, "pace": pace}
        call |= {"milestones": Milestones(found=found)}
        team.tell(("finetune", {**call, "backbone": backbone.cpu()}))
    rng = np.random.default_rng(seed)
    objective: Objective = OBJECTIVES[config.loss](config)
    gpus = [inputs.device] if inputs.device.type == "cuda" else []
    with torch.random.fork_rng(devices=gpus):  # for the layer on top, and for networks with dropout
        torch.manual_seed(seed)
        network = nn.Sequential(backbone, objective.top(dim, n_classes))
        network.to(inputs.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        steps = steps_per_epoch(train.labels, config) * config.epochs
        trainer = Trainer(
            network,
            objective,
            inputs,
            config,
            pace=pace(network, config, steps),
            size=batch_size(train.labels, config),
            unlabelled=unlabelled,
            seed=seed,
        )
        val = _told(val, train, config).sample(_MOST_VALIDATION, rng)
        spread([*train.paths, *val.paths], inputs)
        at = _Progress(rng=rng, device=inputs.device)
        if found is not None:
            at.restore(found["progress"])
            trainer.restore(found["trainer"])
        with whole_statistics(network, team), milestones.training():
            _run_epochs(trainer, train, val, config, at, objective, milestones, watch)
    if at.best_state is not None:
        network.load_state_dict(at.best_state)
    network.cpu().eval()
    return Trained(epochs=at.epoch, top=network[1])


@dataclass(kw_only=True)
class _Progress:
    """How far a training is, and its best epoch so far."""

    rng: np.random.Generator
    device: torch.device
    epoch: int = 0
    """Epochs that are over."""
    best: float = math.inf
    best_state: dict[str, Any] | None = None
    stale: int = 0
    """Epochs since the best."""
    order_from: str = ""
    """State of `rng` from which the order of the epoch after those is drawn."""

    def __post_init__(self) -> None:
        self.mark()

    def mark(self) -> None:
        """An epoch begins with what `rng` gives next."""
        self.order_from = json.dumps(self.rng.bit_generator.state)

    def state(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in ("epoch", "best", "best_state", "stale")}
        draws = [self.order_from, torch.get_rng_state()]
        if self.device.type == "cuda":  # of dropout
            draws.append(torch.cuda.get_rng_state(self.device))
        return {**plain, "draws": draws}

    def restore(self, state: dict[str, Any]) -> None:
        for name in ("epoch", "best", "best_state", "stale"):
            setattr(self, name, state[name])
        of_numpy, of_torch, *of_gpu = state["draws"]
        self.rng.bit_generator.state = json.loads(of_numpy)
        torch.set_rng_state(of_torch)
        if of_gpu and self.device.type == "cuda":
            torch.cuda.set_rng_state(of_gpu[0], self.device)


def _run_epochs(
    trainer: Trainer,
    train: Labelled,
    val: Labelled,
    config: FinetuneConfig,
    at: _Progress,
    objective: Objective,
    milestones: Milestones,
    watch: Callable[[Epoch], None],
) -> None:
    """Train until the last epoch, or until there is no patience left."""
    judged, patience = objective.judges(torch.from_numpy(val.labels)), _patience(train, config)

    def keep() -> None:
        milestones.reached(lambda: {"progress": at.state(), "trainer": trainer.state()})

    hidden = True if trainer.team.rank > 0 else None  # None: where no terminal is
    with tqdm(
        total=config.epochs, initial=at.epoch, desc="fine-tune", unit="epoch", leave=False,
        disable=hidden,
    ) as bar:  # fmt: skip
        while at.epoch < config.epochs and at.stale < patience:
            at.mark()
            order = epoch_order(train.labels, config, at.rng)
            done = trainer.run_epoch(at.epoch + 1, train, order, after_step=keep)
            at.epoch += 1
            bar.update()
            if not math.isfinite(done.loss) and at.best_state is None:
                raise _diverged(done, config)
            if judged:
                done = replace(done, val_loss=trainer.validation_loss(val))
                bar.set_postfix(val_loss=f"{done.val_loss:.3f}")
                at.stale = 0 if done.val_loss < at.best else at.stale + 1
                if done.val_loss < at.best:
                    at.best, at.best_state = done.val_loss, trainer.weights()
            watch(done)
            at.mark()
            keep()


def _told(val: Labelled, train: Labelled, config: FinetuneConfig) -> Labelled:
    """The items a better epoch can be told by: for classifiers those of classes they are taught.

    The loss of the others grows the longer training lasts, and would call the first epoch the best.
    Distances can be right about classes never seen.
    """
    if config.loss != "softmax":
        return val
    return val.take(np.flatnonzero(np.isin(val.labels, train.labels)))


def _diverged(epoch: Epoch, config: FinetuneConfig) -> FieldmarkError:
    return FieldmarkError(
        f"the training of the backbone failed: its loss was {epoch.loss} in epoch {epoch.number}. "
        f"Set finetune.learning_rate below {config.learning_rate:g}, such as to a tenth of it; if "
        "that changes nothing, look whether the weights hold NaN"
    )


def _patience(train: Labelled, config: FinetuneConfig) -> int:
    """Epochs without a better one after which training stops.

    With few labels an epoch is a step or two, and before batch norms know their statistics the
    validation loss of random weights only rises: ResNet-20 on 50 labels of Fashion-MNIST stopped
    after 6 steps at an accuracy of 0.10.
    """
    return max(config.patience, math.ceil(_SETTLING / steps_per_epoch(train.labels, config)))
