"""How weights follow their gradients: optimisers, and the pace of their learning rate."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from torch import nn, optim
from torch.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    LRScheduler,
    OneCycleLR,
    ReduceLROnPlateau,
)

from classification.config_learning import FinetuneConfig

When = Literal["step", "epoch", "train_loss", "train_acc"]
_MOMENTUM = 0.9  # of sgd, as in He et al., 2016 (arXiv:1512.03385)


@dataclass(frozen=True, kw_only=True)
class Pace:
    """An optimiser, and what changes its learning rate when."""

    optimiser: optim.Optimizer
    schedule: LRScheduler | ReduceLROnPlateau
    when: When = "step"
    """After every step, after every epoch, or after every epoch with what it trained to."""

    def after_step(self) -> None:
        """The schedule's turn after a batch."""
        if self.when == "step":
            self.schedule.step()  # type: ignore[call-arg]

    def after_epoch(self, *, loss: float, accuracy: float) -> None:
        """The schedule's turn after an epoch.

        Args:
            loss: mean of the epoch's batches.
            accuracy: share of the epoch's crops that were right while they were trained on.
        """
        measured: dict[str, tuple[float, ...]] = {
            "step": (), "epoch": (), "train_loss": (loss,), "train_acc": (accuracy,)
        }  # fmt: skip
        if self.when != "step":
            self.schedule.step(*measured[self.when])  # type: ignore[call-arg]


MakePace = Callable[[nn.Module, FinetuneConfig, int], Pace]
"""From a network, the recipe and the number of steps in all."""


def make_pace(network: nn.Module, config: FinetuneConfig, steps: int) -> Pace:
    """What the recipe says."""
    optimiser = _OPTIMISERS[config.optimiser](network, config)
    schedule = config.schedule
    if schedule == "auto":
        schedule = "one_cycle" if config.optimiser == "adamw" else "constant"
    return _SCHEDULES[schedule](optimiser, config, steps)


@dataclass(frozen=True, kw_only=True)
class TorchPace:
    """Classes of torch.optim: called with the parameters and ``lr``, and with the optimiser.

    `ReduceLROnPlateau` halves the rate after two epochs in which the training's accuracy (or loss,
    as `when` says) got no better.
    """

    optimiser: Callable[..., optim.Optimizer]
    schedule: Callable[..., Any] | None = None
    when: When = "train_acc"

    def __call__(self, network: nn.Module, config: FinetuneConfig, steps: int) -> Pace:
        """See `MakePace`."""
        del steps
        made = self.optimiser(
            network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        if self.schedule is None:
            return Pace(optimiser=made, schedule=ConstantLR(made, factor=1))
        if isinstance(self.schedule, type) and issubclass(self.schedule, ReduceLROnPlateau):
            mode = "min" if self.when == "train_loss" else "max"
            when = "train_loss" if self.when == "train_loss" else "train_acc"
            plateau = self.schedule(made, mode=mode, factor=0.5, patience=1)
            return Pace(optimiser=made, schedule=plateau, when=when)
        when = "step" if self.when == "step" else "epoch"  # the others look at nothing
        return Pace(optimiser=made, schedule=self.schedule(made), when=when)


def _adamw(network: nn.Module, config: FinetuneConfig) -> optim.Optimizer:
    return optim.AdamW(
        network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )


def _adam(network: nn.Module, config: FinetuneConfig) -> optim.Optimizer:
    return optim.Adam(
        network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )


def _sgd(network: nn.Module, config: FinetuneConfig) -> optim.Optimizer:
    return optim.SGD(
        network.parameters(),
        lr=config.learning_rate,
        weight_decay=config.weight_decay,
        momentum=_MOMENTUM,
    )


def _one_cycle(optimiser: optim.Optimizer, config: FinetuneConfig, steps: int) -> Pace:
    schedule = OneCycleLR(optimiser, max_lr=config.learning_rate, total_steps=steps + 1)
    return Pace(optimiser=optimiser, schedule=schedule)


def _constant(optimiser: optim.Optimizer, config: FinetuneConfig, steps: int) -> Pace:
    del config, steps
    return Pace(optimiser=optimiser, schedule=ConstantLR(optimiser, factor=1))


def _cosine(optimiser: optim.Optimizer, config: FinetuneConfig, steps: int) -> Pace:
    del config
    return Pace(optimiser=optimiser, schedule=CosineAnnealingLR(optimiser, T_max=max(1, steps)))


def _plateau(optimiser: optim.Optimizer, config: FinetuneConfig, steps: int) -> Pace:
    del config, steps
    schedule = ReduceLROnPlateau(optimiser, mode="max", factor=0.5, patience=1)
    return Pace(optimiser=optimiser, schedule=schedule, when="train_acc")


_OPTIMISERS: dict[str, Callable[[nn.Module, FinetuneConfig], optim.Optimizer]] = {
    "adamw": _adamw,
    "adam": _adam,
    "sgd": _sgd,
}
_SCHEDULES: dict[str, Callable[[optim.Optimizer, FinetuneConfig, int], Pace]] = {
    "one_cycle": _one_cycle,
    "constant": _constant,
    "cosine": _cosine,
    "plateau": _plateau,
}
