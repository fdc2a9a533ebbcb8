"""The exported model as two ONNX networks: image to embedding, and embedding to probabilities."""

import logging
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from classification.files import atomic_path, read_json, write_bytes, write_json
from classification.paths.active_learning import OnnxPaths

if TYPE_CHECKING:
    from classification.learning.head import Head
    from classification.learning.model import Classifier

_OPSET = 18


def export_model(paths: OnnxPaths, classifier: "Classifier") -> None:
    """Write all that another program needs to use a model; the card last.

    ``embedding.onnx`` takes float32 [B, 3, S, S], RGB in 0..1, and gives float32 [B, D];
    ``head.onnx`` takes that and gives probabilities float32 [B, C] in the order of
    ``classes.json``. Normalisation of the image and the scaler of the embedding are inside;
    ``scaler.npz`` holds the latter (`mean`, `scale`) for who applies the head otherwise.
    An embedding network that was exported before is not exported again.
    """
    from classification.learning.model import save_export

    old = read_json(paths.card, what="model card") if paths.card.exists() else {}
    card, head = classifier.card, classifier.head
    if old.get("weights_sha256") != card.weights_sha256 or not paths.embedding.exists():
        _write_embedding(paths.embedding, classifier)
    write_bytes(paths.head, head_network(head, n_classes=len(card.classes)))
    with atomic_path(paths.scaler) as temporary, temporary.open("wb") as f:
        np.savez(f, mean=head.mean, scale=head.scale)
    write_json(paths.classes, list(card.classes))
    save_export(paths, classifier)


def head_network(head: "Head", *, n_classes: int) -> bytes:
    """Scaler, layers and temperature of a head as an ONNX model, serialised.

    Put together by hand: torch.export takes seconds for what are five nodes.
    """
    from onnx import TensorProto, checker, helper, numpy_helper

    last = np.zeros((n_classes, head.weights[-1].shape[1]), dtype=np.float32)
    bias = np.full(n_classes, -np.inf, dtype=np.float32)  # probability 0 for classes never seen
    last[head.classes] = head.weights[-1] / np.float32(head.temperature)
    bias[head.classes] = head.biases[-1] / np.float32(head.temperature)
    layers = [*zip(head.weights[:-1], head.biases[:-1], strict=True), (last, bias)]
    values = {"mean": head.mean, "scale": head.scale}
    nodes = [
        helper.make_node("Sub", ["embedding", "mean"], ["centred"]),
        helper.make_node("Div", ["centred", "scale"], ["x0"]),
    ]
    for i, (weight, shift) in enumerate(layers):
        values |= {f"weight{i}": weight, f"bias{i}": shift}
        given = [f"x{i}", f"weight{i}", f"bias{i}"]
        nodes.append(helper.make_node("Gemm", given, [f"y{i}"], transB=1))
        end = i == len(layers) - 1
        made = ["probabilities" if end else f"x{i + 1}"]
        nodes.append(helper.make_node("Softmax" if end else "Relu", [f"y{i}"], made))
    graph = helper.make_graph(
        nodes,
        "head",
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", len(head.mean)])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", n_classes])],
        [
            numpy_helper.from_array(np.asarray(value, dtype=np.float32), name)
            for name, value in values.items()
        ],
    )
    # the oldest version that holds all of it: runtimes refuse models newer than themselves
    opset = helper.make_opsetid("", _OPSET)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=8)
    checker.check_model(model)
    return model.SerializeToString()


def _write_embedding(path: Path, classifier: "Classifier") -> None:
    """Any batch size; weights inside the file."""
    import torch
    from torch import Tensor, nn

    from classification.learning.model import ProbabilityModel

    whole = ProbabilityModel(classifier).eval()

    class Embedding(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.whole = whole

        def forward(self, image: Tensor) -> Tensor:
            return self.whole.embed(image)

    side = classifier.card.preprocessing.image_size
    for name in ("onnx_ir", "onnxscript"):
        logging.getLogger(name).setLevel(logging.WARNING)  # or a line for every constant
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of packages under torch.onnx, about each other
        program: Any = torch.onnx.export(
            Embedding().eval(),
            (torch.zeros(2, 3, side, side),),  # one alone would be traced for one alone
            dynamo=True,
            opset_version=_OPSET,
            input_names=["image"],
            output_names=["embedding"],
            dynamic_shapes=({0: torch.export.Dim.DYNAMIC},),
            verbose=False,
        )
    with atomic_path(path) as temporary:
        program.save(temporary, external_data=False)
