"""Options of training on labelled and unlabelled embeddings; light, for forms and ``--help``."""

from dataclasses import dataclass
from typing import Literal, get_args

from classification.errors import FieldmarkError

Output = Literal["softmax", "sigmoid", "focal"]


@dataclass(frozen=True, kw_only=True)
class FixMatchConfig:
    """A head, its loss, and how unlabelled items take part."""

    output: Output = "softmax"
    """softmax: one class per item. sigmoid, focal: any number of classes, each by itself; focal
    (Lin et al. 2017) weighs down what is easy."""
    hidden: tuple[int, ...] = ()
    """Widths of the hidden layers; none is a linear head."""
    label_smoothing: float = 0.0
    """Share of each target that is spread evenly, 0 to below 1. Not used by focal."""
    focal_gamma: float = 2.0
    """How much focal weighs down easy items; 0 is plain sigmoid."""

    weight: float = 1.0
    """Weight of the unlabelled items' loss, lambda in the paper; 0 trains on labels alone."""
    threshold: float = 0.95
    """Confidence from which a prediction serves as pseudo-label, tau in the paper."""
    ratio: int = 4
    """Unlabelled items per labelled one in a batch, mu in the paper."""
    weak_noise: float = 0.05
    """Noise of the weak view, in standard deviations of each feature."""
    weak_dropout: float = 0.1
    """Share of features dropped in the weak view."""
    strong_noise: float = 0.5
    """Noise of the strong view, in standard deviations of each feature."""
    strong_dropout: float = 0.5
    """Share of features dropped in the strong view."""
    strong_mix: float = 0.2
    """Largest share of another item mixed into the strong view."""

    batch_size: int = 32
    """Labelled items in a batch."""
    samples_per_epoch: int = 512
    """Labelled items drawn in an epoch."""
    epochs: int = 30
    """At most this many."""
    patience: int = 5
    """Epochs without a better loss on held-out items before it stops."""
    class_balanced: bool = True
    """Whether a batch holds every class equally often."""
    learning_rate: float = 1e-3
    """Of AdamW; falls to zero along a cosine."""
    weight_decay: float = 0.1
    """Of AdamW."""
    averaging: float = 0.99
    """The model that predicts is a running mean of the weights; 0 takes the last ones."""

    def __post_init__(self) -> None:
        problems = [
            *_outside(self, ("label_smoothing", "weak_dropout", "strong_dropout"), 0, 1),
            *_outside(self, ("strong_mix", "averaging"), 0, 1),
        ]
        if self.output not in get_args(Output):
            problems.append(f"output {self.output!r}; allowed: {', '.join(get_args(Output))}")
        if not 0.5 <= self.threshold <= 1:
            problems.append(f"threshold {self.threshold}; allowed: 0.5 to 1, 0.95 is usual")
        positive = ("batch_size", "samples_per_epoch", "epochs", "patience", "learning_rate")
        allowed_zero = ("weight", "ratio", "weak_noise", "strong_noise", "focal_gamma")
        problems += [
            f"{name} {getattr(self, name)}; allowed: above 0"
            for name in positive
            if not getattr(self, name) > 0
        ]
        problems += [
            f"{name} {getattr(self, name)}; allowed: 0 or more"
            for name in (*allowed_zero, "weight_decay")
            if not getattr(self, name) >= 0
        ]
        if any(width < 1 for width in self.hidden):
            problems.append(f"hidden {self.hidden}; every width must be 1 or more")
        if problems:
            raise FieldmarkError.from_problems("this cannot be trained:", problems)


def _outside(config: FixMatchConfig, names: tuple[str, ...], low: float, high: float) -> list[str]:
    return [
        f"{name} {getattr(config, name)}; allowed: {low} to below {high}"
        for name in names
        if not low <= getattr(config, name) < high
    ]
