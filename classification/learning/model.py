"""A classifier on disk and in memory: backbone, head, and the card that says how to use them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from classification.errors import FieldmarkError
from classification.files import read_json, write_json
from classification.learning.backbones import read_weights, write_weights
from classification.learning.crops import Inputs, Preprocessing
from classification.learning.embedder import build_embedder
from classification.learning.forward import forward
from classification.learning.head import Head, load_head
from classification.paths import ExportPaths, RoundPaths

_BACKBONE, _HEAD = "backbone.", "head."


@dataclass(frozen=True, kw_only=True)
class Card:
    """Everything about a model that is not a weight; ``model.json``."""

    backbone: str
    """Name, as in the configuration."""
    weights: str
    """default, none, or the file the backbone's weights came from."""
    weights_sha256: str
    trained_with: int
    """Labels the backbone was last fine-tuned with; 0 if it was never."""
    seed: int
    dim: int
    """D of the embeddings."""
    feat_dim: int = 0
    """Size of the projection behind the backbone; 0 if there is none."""
    normalize: bool = False
    """Embeddings have length 1."""
    preprocessing: Preprocessing
    classes: tuple[str, ...]
    seen: tuple[str, ...]
    """Classes that had a label; the others are never predicted."""
    num_labels: int
    round: int
    data: dict[str, str]
    """Hashes of table, label index, splits and test split."""
    head: str = "logistic"
    """Kind of head: logistic, linear or mlp."""
    temperature: float = 1.0
    """Of the head, which applies it; 1 where it was not calibrated."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: dict[str, Any], *, where: Path) -> "Card":
        """The card that `to_json` gave; `where` is named when it is not one."""
        try:
            preprocessing = Preprocessing(
                image_size=record["preprocessing"]["image_size"],
                mean=tuple(record["preprocessing"]["mean"]),
                std=tuple(record["preprocessing"]["std"]),
            )
            values: dict[str, Any] = {**record, "preprocessing": preprocessing}
            values |= {key: tuple(record[key]) for key in ("classes", "seen")}
            return cls(**values)
        except (KeyError, TypeError) as error:
            raise FieldmarkError(f"{where} is not a model card of this version: {error}") from None


@dataclass(frozen=True, kw_only=True)
class Classifier:
    """Images in, class probabilities out."""

    backbone: nn.Module
    head: Head
    card: Card

    def predict(self, inputs: Inputs, paths: Sequence[str]) -> NDArray[np.float32]:
        """Probabilities of the images `paths`: float32 [N, C] in the order of `card.classes`."""
        rows = list(forward(self.backbone, inputs, paths))
        embeddings = np.concatenate(rows) if rows else np.zeros((0, self.card.dim), np.float32)
        return self.head.predict(embeddings, len(self.card.classes))


class ProbabilityModel(nn.Module):
    """The classifier as one network, for the registry: float32 [B, 3, S, S] in 0..1 to [B, C]."""

    channel_mean: Tensor
    channel_std: Tensor
    mean: Tensor
    scale: Tensor

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        card, head = classifier.card, classifier.head
        self.backbone = classifier.backbone
        for name, value in {
            "channel_mean": torch.tensor(card.preprocessing.mean).reshape(1, 3, 1, 1),
            "channel_std": torch.tensor(card.preprocessing.std).reshape(1, 3, 1, 1),
            "mean": torch.tensor(head.mean),
            "scale": torch.tensor(head.scale),
        }.items():
            self.register_buffer(name, value)
        self.layers = _layers(head, n_classes=len(card.classes))

    def forward(self, images: Tensor) -> Tensor:
        """Class probabilities of square RGB images scaled to 0..1."""
        return self.layers((self.embed(images) - self.mean) / self.scale).softmax(dim=1)

    def embed(self, images: Tensor) -> Tensor:
        """Embeddings of such images: float32 [B, D]."""
        return self.backbone((images - self.channel_mean) / self.channel_std)


def _layers(head: Head, *, n_classes: int) -> nn.Sequential:
    """The head's layers with a logit for every class, minus infinity for those never seen."""
    last = torch.zeros(n_classes, head.weights[-1].shape[1])
    bias = torch.full((n_classes,), -torch.inf)
    last[head.classes] = torch.tensor(head.weights[-1] / np.float32(head.temperature))
    bias[head.classes] = torch.tensor(head.biases[-1] / np.float32(head.temperature))
    hidden = [
        part
        for weight, shift in zip(head.weights[:-1], head.biases[:-1], strict=True)
        for part in (_linear(torch.tensor(weight), torch.tensor(shift)), nn.ReLU())
    ]
    return nn.Sequential(*hidden, _linear(last, bias))


def _linear(weight: Tensor, bias: Tensor) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0], device="meta")  # draws no random weights
    layer.weight, layer.bias = nn.Parameter(weight), nn.Parameter(bias)
    return layer


def resolve_weights(weights: str, *, run: Path) -> str:
    """A card's `weights` as the loader takes it; checkpoints are named relative to the run."""
    inside = run / weights
    return str(inside) if inside.is_file() else weights


def save_export(paths: ExportPaths, classifier: Classifier) -> None:
    """Write a model that needs no other file: weights first, the card last."""
    tensors = {_BACKBONE + k: v for k, v in classifier.backbone.state_dict().items()}
    tensors |= {_HEAD + k: torch.from_numpy(v) for k, v in classifier.head.tensors().items()}
    write_weights(paths.weights, tensors)
    write_json(paths.card, classifier.card.to_json())


def load_classifier(folder: Path) -> Classifier:
    """Read an ``export`` folder or a complete ``rounds/NN`` folder.

    Raises:
        FieldmarkError: neither is there, a file is corrupt, or the parts do not fit together.
    """
    export, played = ExportPaths(folder), RoundPaths(folder)
    if export.weights.exists():
        card = Card.from_json(read_json(export.card, what="model card"), where=export.card)
        tensors = read_weights(export.weights)
        backbone = _network(card, "none")
        state = _part(tensors, _BACKBONE)
        try:
            backbone.load_state_dict(state)
            head = Head.from_tensors({k: v.numpy() for k, v in _part(tensors, _HEAD).items()})
        except (RuntimeError, KeyError) as error:
            raise FieldmarkError(
                f"{export.weights} is not the model of its card: {error}"
            ) from None
        return Classifier(backbone=backbone, head=head, card=card)
    if not played.head.exists():
        raise FieldmarkError(
            f"no model in {folder}: give the export folder of a run, or a round folder that holds "
            "head.safetensors"
        )
    card = Card.from_json(read_json(played.model, what="model card"), where=played.model)
    weights = resolve_weights(card.weights, run=folder.parent.parent)
    return Classifier(backbone=_network(card, weights), head=load_head(played.head), card=card)


def _network(card: Card, weights: str) -> nn.Module:
    return build_embedder(
        card.backbone,
        weights,
        image_size=card.preprocessing.image_size,
        feat_dim=card.feat_dim,
        normalize=card.normalize,
        seed=card.seed,
    )


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
