"""The classifier head: logistic regression on standardised embeddings, fitted afresh each round."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classification.config import HeadConfig
from classification.errors import FieldmarkError
from classification.files import atomic_path

_BLOCK = 65_536  # rows per product: 64 MB of logits at 256 classes


@dataclass(frozen=True, kw_only=True)
class Head:
    """Scaler and linear classifier; all a prediction needs besides the embedding.

    Attributes:
        mean, scale: float32 [D], of the standardisation.
        weight: float32 [K, D]; bias: float32 [K].
        classes: int64 [K], class ids the head has seen, ascending; not necessarily contiguous.
    """

    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    classes: NDArray[np.int64]

    def predict(self, embeddings: NDArray[np.float32], n_classes: int) -> NDArray[np.float32]:
        """Class probabilities, float32 [N, n_classes]; 0 for classes never seen."""
        out = np.zeros((len(embeddings), n_classes), dtype=np.float32)
        for start in range(0, len(embeddings), _BLOCK):
            x = (embeddings[start : start + _BLOCK] - self.mean) / self.scale
            logits = x @ self.weight.T + self.bias
            logits -= logits.max(axis=1, keepdims=True)
            probs = np.exp(logits)
            out[start : start + _BLOCK, self.classes] = probs / probs.sum(axis=1, keepdims=True)
        return out


def fit_head(
    embeddings: NDArray[np.float32],
    labels: NDArray[np.int64],
    *,
    config: HeadConfig,
) -> Head:
    """Fit by L-BFGS (scikit-learn); the optimum is unique, so no random choice is involved.

    Args:
        embeddings: float32 [n, D].
        labels: int64 [n], class ids.
        config: penalty, class weights and iterations.

    Returns:
        The head. With labels of one class only it answers that class with certainty.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    mean = embeddings.mean(axis=0, dtype=np.float64).astype(np.float32)
    spread = embeddings.std(axis=0, dtype=np.float64).astype(np.float32)
    scale = np.where(spread > 1e-6, spread, 1).astype(np.float32)
    classes = np.unique(labels)
    weight = np.zeros((len(classes), embeddings.shape[1]), dtype=np.float32)
    bias = np.zeros(len(classes), dtype=np.float32)
    if len(classes) > 1:
        model = LogisticRegression(
            C=config.C,
            class_weight="balanced" if config.class_balanced else None,
            max_iter=config.max_iter,
        )
        with warnings.catch_warnings():  # not converged after max_iter: near enough to use
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit((embeddings - mean) / scale, labels)
        if len(classes) == 2:  # one logit; as a softmax over two: 0 and the logit
            weight[1], bias[1] = model.coef_[0], np.ravel(model.intercept_)[0]
        else:
            weight[:], bias[:] = model.coef_, model.intercept_
    return Head(mean=mean, scale=scale, weight=weight, bias=bias, classes=classes.astype(np.int64))


def save_head(path: Path, head: Head) -> None:
    """Write as safetensors, atomically."""
    from safetensors.numpy import save_file

    with atomic_path(path) as temporary:
        save_file({k: np.ascontiguousarray(v) for k, v in vars(head).items()}, temporary)


def load_head(path: Path) -> Head:
    """Read what `save_head` wrote.

    Raises:
        FieldmarkError: the file is missing or corrupt.
    """
    from safetensors.numpy import load_file

    try:
        return Head(**load_file(path))
    except FileNotFoundError:
        raise FieldmarkError(f"head not found: {path}") from None
    except Exception as error:  # safetensors raises its own error types
        raise FieldmarkError(
            f"head cannot be read: {path}: {error}. The file is corrupt; delete the folder of "
            "this round and run train.py again to make it anew."
        ) from error
