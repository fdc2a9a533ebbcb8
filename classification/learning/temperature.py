"""One number that makes a head's confidence honest: temperature scaling.

Guo, Pleiss, Sun & Weinberger, 2017, arXiv:1706.04599: divide all logits by one temperature, chosen
to minimise the negative log-likelihood of items that the head was not fitted on. The order of the
classes of an item, and so its prediction, stays what it was.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classification.evaluation.calibration import log_loss, reliability
from classification.learning.head import Head
from classification.linear import softmax

# With fewer items the best temperature is mostly luck.
LEAST = 20
# A head that is right about every item would get 0, one that knows nothing infinity.
_BOUNDS = (0.05, 20.0)


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What the temperature did to the items it was chosen on; elsewhere the gain is smaller.

    Attributes:
        temperature: logits are divided by it.
        items: validation items of classes the head knows.
        ece, log_loss: expected calibration error and nats, before and after.
    """

    temperature: float
    items: int
    ece: tuple[float, float]
    log_loss: tuple[float, float]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def calibrate(
    head: Head, embeddings: NDArray[np.float32], labels: NDArray[np.int64]
) -> tuple[Head, Calibration | None]:
    """The head with the temperature that suits validation items best.

    Args:
        head: its present temperature is not looked at.
        embeddings: float32 [n, D], of items that `head` was not fitted on.
        labels: int64 [n], class ids; items of classes the head does not know are left out.

    Returns:
        The head and what changed; the head as it was and None where there are fewer than 20 items,
        or where the head knows one class only.
    """
    known = np.isin(labels, head.classes)
    if known.sum() < LEAST or len(head.classes) < 2:
        return head, None
    truth = np.searchsorted(head.classes, labels[known])
    logits = replace(head, temperature=1.0).logits(embeddings[known])
    temperature = best_temperature(logits, truth)
    probs = [softmax(logits), softmax(logits / np.float32(temperature))]
    hits = logits.argmax(axis=1) == truth
    before, after = (reliability(p.max(axis=1), hits).ece for p in probs)
    worse, better = (log_loss(truth, p) for p in probs)
    return replace(head, temperature=temperature), Calibration(
        temperature=temperature,
        items=int(known.sum()),
        ece=(before, after),
        log_loss=(worse, better),
    )


def best_temperature(logits: NDArray[np.float32], truth: NDArray[np.int64]) -> float:
    """The temperature between 0.05 and 20 of lowest mean negative log-likelihood.

    That is convex in 1/T, so the minimum over log T is the only one.

    Args:
        logits: float32 [n, K].
        truth: int64 [n], columns of the true classes.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    exact = logits.astype(np.float64)
    right = exact[np.arange(len(truth)), truth]

    def loss(log_temperature: float) -> float:
        beta = np.exp(-log_temperature)
        return float((logsumexp(beta * exact, axis=1) - beta * right).mean())

    low, high = np.log(_BOUNDS)
    found = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))
