"""Softmax regression on standardised embeddings: arrays in, arrays out.

The classifier head of a run is one of these, and the query strategies that need a model of their
own (a committee, a temperature, a gradient) fit one.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classification.threads import one_blas_thread

_BLOCK = 65_536  # rows per product: 64 MB of logits at 256 classes


@dataclass(frozen=True, kw_only=True)
class Linear:
    """Scaler and linear classifier; all a prediction needs besides the embedding.

    Attributes:
        mean, scale: float32 [D], of the standardisation.
        weight: float32 [K, D]; bias: float32 [K].
        classes: int64 [K], class ids seen in training, ascending; not necessarily contiguous.
    """

    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    classes: NDArray[np.int64]

    def logits(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 [N, K], one column per class seen."""
        # The scaler folded into the weights: no standardised copy of the embeddings.
        weight = self.weight / self.scale
        out = embeddings @ weight.T
        out += self.bias - weight @ self.mean
        return np.asarray(out, dtype=np.float32)

    def predict(self, embeddings: NDArray[np.float32], n_classes: int) -> NDArray[np.float32]:
        """Class probabilities, float32 [N, n_classes]; 0 for classes never seen."""
        out = np.zeros((len(embeddings), n_classes), dtype=np.float32)
        for start in range(0, len(embeddings), _BLOCK):
            block = slice(start, start + _BLOCK)
            out[block, self.classes] = softmax(self.logits(embeddings[block]))
        return out

    def gradient(self, embeddings: NDArray[np.float32], n_classes: int) -> NDArray[np.float32]:
        """Of the cross-entropy of the predicted class with respect to the embedding: [N, D]."""
        probs = self.predict(embeddings, n_classes)
        probs[np.arange(len(probs)), probs.argmax(axis=1)] -= 1
        out = probs[:, self.classes] @ (self.weight / self.scale)
        return np.asarray(out, dtype=np.float32)


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Row-wise softmax, float32 [N, K]."""
    probs = np.exp(logits - logits.max(axis=1, keepdims=True))
    return probs / probs.sum(axis=1, keepdims=True)


def fit_linear(
    embeddings: NDArray[np.float32],
    labels: NDArray[np.int64],
    *,
    inverse_penalty: float = 0.01,
    class_balanced: bool = True,
    max_iter: int = 1000,
) -> Linear:
    """Fit by L-BFGS (scikit-learn); the optimum is unique, so no random choice is involved.

    Args:
        embeddings: float32 [n, D].
        labels: int64 [n], class ids.
        inverse_penalty: scikit-learn's C, the inverse strength of the L2 penalty.
        class_balanced: weight each class by the inverse of its number of labels.
        max_iter: most iterations.

    Returns:
        The classifier. With labels of one class only it answers that class with certainty.
    """
    mean = embeddings.mean(axis=0, dtype=np.float64).astype(np.float32)
    spread = embeddings.std(axis=0, dtype=np.float64).astype(np.float32)
    scale = np.where(spread > 1e-6, spread, 1).astype(np.float32)
    classes, ids = np.unique(labels, return_inverse=True)
    weight = np.zeros((len(classes), embeddings.shape[1]), dtype=np.float32)
    bias = np.zeros(len(classes), dtype=np.float32)
    if len(classes) > 1:
        coef, intercept = _minimise(
            (embeddings - mean) / scale,
            ids,
            C=inverse_penalty,
            class_weight="balanced" if class_balanced else None,
            max_iter=max_iter,
        )
        if len(classes) == 2:  # one logit; as a softmax over two: 0 and the logit
            weight[1], bias[1] = coef[0], intercept[0]
        else:
            weight[:], bias[:] = coef, intercept
    return Linear(
        mean=mean, scale=scale, weight=weight, bias=bias, classes=classes.astype(np.int64)
    )


def _minimise(
    x: NDArray[np.float32], ids: NDArray[np.intp], **options: Any
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coefficients and intercepts.

    With fewer rows than columns the optimum lies in the span of the rows, so it is sought there:
    the same solution from n instead of D variables per class, several times faster at n = 100,
    D = 1280.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    basis = None
    if len(x) < x.shape[1]:
        basis = np.linalg.qr(x.T.astype(np.float64))[0]  # [D, n]
        x = x @ basis
    model = LogisticRegression(**options)
    # Products this small wait for their threads: 5,000 x 256 with 62 classes took 8.4 s of two busy
    # cores in two threads, and 0.4 s in one. Not converged after max_iter: near enough to use.
    with one_blas_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(x, ids)
    coef = model.coef_ if basis is None else model.coef_ @ basis.T
    return coef, np.ravel(model.intercept_)
