"""The exported model as two ONNX networks: image to embedding, and embedding to probabilities."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from classification.files import atomic_path, read_json, write_json
from classification.paths.active_learning import OnnxPaths

if TYPE_CHECKING:
    from torch import Tensor, nn

    from classification.learning.model import Classifier


def export_model(paths: OnnxPaths, classifier: "Classifier") -> None:
    """Write all that another program needs to use a model; the card last.

    ``embedding.onnx`` takes float32 [B, 3, S, S], RGB in 0..1, and gives float32 [B, D];
    ``head.onnx`` takes that and gives probabilities float32 [B, C] in the order of
    ``classes.json``. Normalisation of the image and the scaler of the embedding are inside;
    ``scaler.npz`` holds the latter (`mean`, `scale`) for who applies the head otherwise.
    An embedding network that was exported before is not exported again.
    """
    import numpy as np

    from classification.learning.model import save_export

    old = read_json(paths.card, what="model card") if paths.card.exists() else {}
    card = classifier.card
    parts = _parts(classifier)
    same = old.get("weights_sha256") == card.weights_sha256 and paths.embedding.exists()
    side = card.preprocessing.image_size
    if not same:
        _export(
            parts["embedding"], (2, 3, side, side), paths.embedding, names=("image", "embedding")
        )
    _export(parts["head"], (2, card.dim), paths.head, names=("embedding", "probabilities"))
    head = classifier.head
    with atomic_path(paths.scaler) as temporary, temporary.open("wb") as f:
        np.savez(f, mean=head.mean, scale=head.scale)
    write_json(paths.classes, list(card.classes))
    save_export(paths, classifier)


def _parts(classifier: "Classifier") -> "dict[str, nn.Module]":
    """The whole network of `ProbabilityModel` as its two halves."""
    from torch import nn

    from classification.learning.model import ProbabilityModel

    whole = ProbabilityModel(classifier).eval()

    class Embedding(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.whole = whole

        def forward(self, image: "Tensor") -> "Tensor":
            return self.whole.embed(image)

    class Head(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.whole = whole

        def forward(self, embedding: "Tensor") -> "Tensor":
            return self.whole.classify(embedding)

    return {"embedding": Embedding().eval(), "head": Head().eval()}


def _export(
    network: "nn.Module", shape: tuple[int, ...], path: Path, *, names: tuple[str, str]
) -> None:
    """Any batch size; weights inside the file."""
    import torch

    given, made = names
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of packages under torch.onnx, about each other
        program = torch.onnx.export(
            network,
            (torch.zeros(shape),),
            dynamo=True,
            input_names=[given],
            output_names=[made],
            dynamic_shapes=({0: torch.export.Dim.DYNAMIC},),
            verbose=False,
        )
        assert program is not None  # None is the old exporter's answer
        with atomic_path(path) as temporary:
            program.save(temporary, external_data=False)
