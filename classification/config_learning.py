"""The sections of a run's configuration that say how a model is made, and what cannot work in them.

Kept apart from `classification.config`, which holds the run as a whole and re-exports these.
"""

from dataclasses import dataclass, field, replace
from typing import Literal

Mean = tuple[float, float, float]
Loader = Literal["even", "single", "balanced"]

# Which ways to choose pairs or triplets go with which loss of the embedding.
MINING = {"triplet": ("random", "hardest", "semi_hard"), "siamese": ("random", "hard_pair")}


@dataclass(frozen=True, kw_only=True)
class BackboneConfig:
    """The network that turns a crop into an embedding."""

    name: str = "resnet18"
    """torchvision name (resnet18, mobilenet_v2, ...) or timm name with a prefix
    (timm/resnet10t)."""
    weights: str = "default"
    """default (the library downloads them once), none (random), or a .safetensors/.pth file."""
    image_size: int = 224
    """Side in pixels of the square that a crop is resized to."""
    mean: Mean = (0.485, 0.456, 0.406)
    """Per-channel mean of the input (0..1); ImageNet's by default."""
    std: Mean = (0.229, 0.224, 0.225)
    """Per-channel standard deviation of the input (0..1)."""
    feat_dim: int = 0
    """Size of the embedding: a linear projection behind the network, trained with it; 0 takes the
    network's own features."""
    normalize: bool = False
    """Scale every embedding to length 1; inside the network, so that exports do it, too."""
    batch_size: int = 0
    """Images per forward pass; 0: 8 on a CPU, 256 on a GPU."""
    store: Literal["float32", "float16"] = "float32"
    """How embeddings are kept on disk; float16 takes half the room."""


@dataclass(frozen=True, kw_only=True)
class FirstTrainingConfig:
    """What the first training of the backbone does differently from the later ones."""

    epochs: int | None = None
    """Most epochs; empty: finetune.epochs."""
    learning_rate: float | None = None
    """Learning rate; empty: finetune.learning_rate."""
    weight_decay: float | None = None
    """Weight decay; empty: finetune.weight_decay."""
    loader: Loader | None = None
    """How crops are drawn; empty: finetune.loader."""


@dataclass(frozen=True, kw_only=True)
class SemiConfig:
    """Learning from unlabelled crops while the backbone is trained: FixMatch (Sohn et al., 2020,
    arXiv:2001.07685)."""

    weight: float = 0.0
    """Weight of the unlabelled crops in the loss (the paper's lambda, 1 there); 0: off."""
    threshold: float = 0.95
    """Least probability of a guess on a slightly changed crop that is then taught on a strongly
    changed one (the paper's tau)."""
    ratio: int = 7
    """Unlabelled crops per labelled one in a step (the paper's mu); each is seen twice, so memory
    and time of a step grow by 1 + 2 ratio."""


@dataclass(frozen=True, kw_only=True)
class FinetuneConfig:
    """Training of the backbone on the labels at hand; off while epochs is 0."""

    epochs: int = 0
    """Most epochs of one fine-tuning; 0 keeps the backbone frozen."""
    every: int = 2000
    """New labels between two fine-tunings; the first happens at the first round with labels."""
    loss: Literal["softmax", "triplet", "siamese"] = "softmax"
    """softmax: cross-entropy of a linear classifier that is thrown away; triplet and siamese move
    crops of one class together and of two apart, without a classifier."""
    margin: float = 1.0
    """Distance that triplet and siamese want between classes."""
    mining: Literal["random", "hardest", "semi_hard", "hard_pair"] = "random"
    """Which of a batch's triplets (random, hardest, semi_hard) or pairs (random, hard_pair) are
    learned from."""
    optimiser: Literal["adamw", "adam", "sgd"] = "adamw"
    """adamw; adam, its weight decay as an L2 penalty; sgd with a momentum of 0.9."""
    schedule: Literal["auto", "one_cycle", "constant", "cosine", "plateau"] = "auto"
    """Learning rate over a training. auto: one_cycle with adamw, constant with the others; plateau
    halves it after two epochs in which training got no better."""
    learning_rate: float = 1e-3
    """Learning rate; the peak of one_cycle, the start of the others."""
    weight_decay: float = 0.05
    """Weight decay."""
    loader: Loader = "even"
    """even: shuffled, every class drawn equally often; single: plain shuffling; balanced: every
    batch holds classes_per_batch classes with samples_per_class crops each."""
    batch_size: int = 64
    """Images per step of the loaders even and single."""
    classes_per_batch: int = 20
    """Classes of a balanced batch, at most as many as there are."""
    samples_per_class: int = 10
    """Crops per class of a balanced batch, repeated where a class has fewer."""
    patience: int = 10
    """Epochs without a better validation loss after which training stops. As long as they are fewer
    than 100 steps it goes on: with few labels an epoch is a step or two."""
    label_smoothing: float = 0.1
    """Label smoothing of the cross-entropy."""
    augment: Literal["camera", "light", "none"] = "camera"
    """How training crops are changed. camera: flip, zoom, tilt, colour to grey, light, blur, noise;
    light: flip and shift by up to an eighth of the side; none: as they are."""
    first: FirstTrainingConfig = field(default_factory=FirstTrainingConfig)
    semi: SemiConfig = field(default_factory=SemiConfig)

    def recipe(self, *, first: bool) -> "FinetuneConfig":
        """What holds for the first training, or for a later one."""
        given = {k: v for k, v in vars(self.first).items() if v is not None} if first else {}
        return replace(self, first=FirstTrainingConfig(), **given)

    @property
    def trains(self) -> bool:
        """Whether the backbone is trained at any time."""
        return self.epochs > 0 or self.recipe(first=True).epochs > 0


@dataclass(frozen=True, kw_only=True)
class HeadConfig:
    """The classifier on top of the embeddings, fitted from scratch every round."""

    kind: Literal["logistic", "linear", "mlp"] = "logistic"
    """logistic: the optimum of the penalised regression; linear: the same layer trained by Adam
    until validation gets no better; mlp: hidden layers before it, trained the same way."""
    C: float = 0.01
    """Inverse strength of the L2 penalty of the logistic regression on standardised embeddings.
    On real crops of unseen cameras 0.003 to 0.01 was best, 1 lost two points of accuracy."""
    hidden: tuple[int, ...] = (230, 100)
    """Sizes of the hidden layers of the mlp."""
    alpha: float | None = None
    """L2 penalty of linear and mlp: half of it times the squared weights is added to the loss.
    Empty: 1 for linear, 0.1 for mlp. On real crops of unseen cameras, 60 labels, the mlp had
    macro-F1 0.42 with 0.0001 and 0.44 with 0.1."""
    learning_rate: float | None = None
    """Learning rate of Adam for linear and mlp. Empty: 0.0001 for linear, which takes 0.001 too
    far in its first steps on a thousand features, and 0.001 for mlp."""
    class_balanced: bool = True
    """Weight each class by the inverse of its number of labels."""
    max_iter: int = 1000
    """Most L-BFGS iterations; most epochs of linear and mlp."""
    tol: float = 1e-6
    """Smallest gain in loss that counts as progress of linear and mlp."""
    patience: int = 20
    """Epochs without progress after which linear and mlp stop."""
    calibrate: bool = True
    """Choose a temperature on the validation split that makes confidence honest; it changes no
    prediction."""


def learning_problems(
    backbone: BackboneConfig, finetune: FinetuneConfig, head: HeadConfig
) -> list[str]:
    """Values and combinations of these sections that cannot work, in words."""
    first = finetune.recipe(first=True)
    minimum = {
        "backbone.image_size": (backbone.image_size, 32),
        "backbone.feat_dim": (backbone.feat_dim, 0),
        "backbone.batch_size": (backbone.batch_size, 0),
        "finetune.epochs": (finetune.epochs, 0),
        "finetune.every": (finetune.every, 1),
        "finetune.batch_size": (finetune.batch_size, 2),
        "finetune.classes_per_batch": (finetune.classes_per_batch, 2),
        "finetune.samples_per_class": (finetune.samples_per_class, 2),
        "finetune.patience": (finetune.patience, 1),
        "finetune.first.epochs": (first.epochs, 0),
        "finetune.semi.weight": (finetune.semi.weight, 0),
        "finetune.semi.ratio": (finetune.semi.ratio, 1),
        "head.max_iter": (head.max_iter, 1),
        "head.patience": (head.patience, 1),
        "head.alpha": (head.alpha or 0, 0),
        "head.tol": (head.tol, 0),
    }
    found = [f"{k}: {v} is below {low}" for k, (v, low) in minimum.items() if v < low]
    positive = {
        "head.C": head.C,
        "head.learning_rate": 1 if head.learning_rate is None else head.learning_rate,
        "finetune.margin": finetune.margin,
        "finetune.learning_rate": finetune.learning_rate,
        "finetune.first.learning_rate": first.learning_rate,
    }
    found += [f"{k}: {v} is not above 0" for k, v in positive.items() if v <= 0]
    if not all(s > 0 for s in backbone.std):
        found.append(f"backbone.std: {list(backbone.std)} holds a value not above 0")
    if not 0 <= finetune.label_smoothing < 1:
        found.append(f"finetune.label_smoothing: {finetune.label_smoothing} is not in 0..1")
    if not head.hidden or min(head.hidden) < 1:
        found.append(f"head.hidden: {list(head.hidden)} holds no sizes of 1 or more")
    return found + _combinations(backbone, finetune) + _semi_problems(finetune)


def _combinations(backbone: BackboneConfig, finetune: FinetuneConfig) -> list[str]:
    found = []
    allowed = MINING.get(finetune.loss, (finetune.mining,))  # softmax looks at single crops
    if finetune.mining not in allowed:
        found.append(
            f"finetune.mining: {finetune.mining} does not go with finetune.loss: {finetune.loss}; "
            f"allowed: {', '.join(allowed)}"
        )
    if backbone.weights == "none" and not finetune.trains:
        found.append(
            "backbone.weights: none with finetune.epochs: 0 would leave a random backbone "
            "untrained; set finetune.epochs, or give weights"
        )
    if backbone.feat_dim and not finetune.trains:
        found.append(
            f"backbone.feat_dim: {backbone.feat_dim} with finetune.epochs: 0 would leave a random "
            "projection untrained; set finetune.epochs, or backbone.feat_dim: 0"
        )
    return found


def _semi_problems(finetune: FinetuneConfig) -> list[str]:
    semi, found = finetune.semi, []
    if not 0 < semi.threshold < 1:
        found.append(f"finetune.semi.threshold: {semi.threshold} is not between 0 and 1")
    if semi.weight > 0 and finetune.loss != "softmax":
        found.append(
            f"finetune.semi.weight: {semi.weight} does not go with finetune.loss: {finetune.loss}; "
            "guesses about unlabelled crops need the classifier of softmax"
        )
    if semi.weight > 0 and 1 - finetune.label_smoothing < semi.threshold:
        found.append(
            f"finetune.semi.threshold: {semi.threshold} is out of reach with "
            f"finetune.label_smoothing: {finetune.label_smoothing}, which teaches probabilities of "
            "little more than 1 less that; set finetune.label_smoothing: 0"
        )
    return found
