"""The classifier head: scaler, layers and temperature, as plain arrays.

Every kind of head is one of these: logistic and linear have one layer, the MLP three. Prediction
and gradient need neither torch nor scikit-learn.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classification.errors import FieldmarkError
from classification.files import atomic_path
from classification.linear import Linear, softmax

Array = NDArray[np.float32]
_BLOCK = 65_536  # rows per product: 64 MB of logits at 256 classes


@dataclass(frozen=True, kw_only=True)
class Head:
    """Standardisation, layers with ReLU between them, softmax; all a prediction needs but the
    embedding.

    Attributes:
        mean, scale: float32 [D], of the standardisation.
        weights: float32 [H1, D], ..., [K, H]; biases: float32 [H1], ..., [K].
        classes: int64 [K], class ids the head has seen, ascending; not necessarily contiguous.
        temperature: logits are divided by it; above 1 makes probabilities less certain.
    """

    mean: Array
    scale: Array
    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    classes: NDArray[np.int64]
    temperature: float = 1.0

    @classmethod
    def of_linear(cls, linear: Linear) -> "Head":
        """The same classifier as a head."""
        return cls(
            mean=linear.mean,
            scale=linear.scale,
            weights=(linear.weight,),
            biases=(linear.bias,),
            classes=linear.classes,
        )

    def logits(self, embeddings: Array) -> Array:
        """Divided by the temperature: float32 [N, K], one column per class seen."""
        parts = [self._activations(block)[-1] for block in _blocks(embeddings)]
        found = np.concatenate(parts) if parts else np.zeros((0, len(self.classes)), np.float32)
        return found / np.float32(self.temperature)

    def predict(self, embeddings: Array, n_classes: int) -> Array:
        """Class probabilities, float32 [N, n_classes]; 0 for classes never seen."""
        out = np.zeros((len(embeddings), n_classes), dtype=np.float32)
        out[:, self.classes] = softmax(self.logits(embeddings))
        return out

    def gradient(self, embeddings: Array, n_classes: int) -> Array:
        """Of the cross-entropy of the predicted class with respect to the embedding: [N, D]."""
        del n_classes  # classes never seen have no logit, hence no part in the gradient
        out = np.zeros(embeddings.shape, dtype=np.float32)
        for number, block in enumerate(_blocks(embeddings)):
            *hidden, logits = self._activations(block)
            delta = softmax(logits / np.float32(self.temperature))
            delta[np.arange(len(delta)), delta.argmax(axis=1)] -= 1
            for weight, active in zip(self.weights[:0:-1], hidden[::-1], strict=True):
                delta = (delta @ weight) * (active > 0)
            start = number * _BLOCK
            out[start : start + len(block)] = delta @ (self.weights[0] / self.scale)
        return out / np.float32(self.temperature)

    def _activations(self, embeddings: Array) -> list[Array]:
        """Output of every layer, the last before the temperature."""
        # The scaler folded into the weights: no standardised copy of the embeddings.
        weight = self.weights[0] / self.scale
        shift = self.biases[0] - weight @ self.mean
        outputs = [np.asarray(embeddings @ weight.T + shift, dtype=np.float32)]
        for weight, bias in zip(self.weights[1:], self.biases[1:], strict=True):
            np.maximum(outputs[-1], 0, out=outputs[-1])
            outputs.append(outputs[-1] @ weight.T + bias)
        return outputs

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Everything by name, as files hold it."""
        layers = {f"weight.{i}": w for i, w in enumerate(self.weights)}
        layers |= {f"bias.{i}": b for i, b in enumerate(self.biases)}
        scaler = {"mean": self.mean, "scale": self.scale}
        temperature = np.array([self.temperature], dtype=np.float64)
        return {**scaler, **layers, "classes": self.classes, "temperature": temperature}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[Any]]) -> "Head":
        """What `tensors` gave, or the single layer of an earlier version.

        Raises:
            KeyError: a tensor is missing.
        """
        given = dict(tensors)
        if "weight" in given:
            given |= {"weight.0": given["weight"], "bias.0": given["bias"]}
        depth = sum(key.startswith("weight.") for key in given)
        return cls(
            mean=given["mean"],
            scale=given["scale"],
            weights=tuple(given[f"weight.{i}"] for i in range(max(1, depth))),
            biases=tuple(given[f"bias.{i}"] for i in range(max(1, depth))),
            classes=given["classes"],
            temperature=float(given.get("temperature", np.ones(1))[0]),
        )


def save_head(path: Path, head: Head) -> None:
    """Write as safetensors, atomically."""
    from safetensors.numpy import save_file

    with atomic_path(path) as temporary:
        save_file({k: np.ascontiguousarray(v) for k, v in head.tensors().items()}, temporary)


def load_head(path: Path) -> Head:
    """Read what `save_head` wrote, of this version or an earlier one.

    Raises:
        FieldmarkError: the file is missing or corrupt.
    """
    from safetensors.numpy import load_file

    try:
        return Head.from_tensors(load_file(path))
    except FileNotFoundError:
        raise FieldmarkError(f"head not found: {path}") from None
    except Exception as error:  # safetensors raises its own error types
        raise FieldmarkError(
            f"head cannot be read: {path}: {error}. The file is corrupt; delete the folder of "
            "this round and run train.py again to make it anew."
        ) from error


def _blocks(embeddings: Array) -> list[Array]:
    return [embeddings[start : start + _BLOCK] for start in range(0, len(embeddings), _BLOCK)]
