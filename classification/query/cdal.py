"""CDAL: items whose predictions differ, be they certain or not."""

import numpy as np
from numpy.typing import NDArray

from classification.query.distances import Floats, Space, Towards, for_blocks
from classification.query.greedy import farthest_first
from classification.query.needs import Weights, check_weights, need_probs
from classification.query.pool import Pool

_FLOOR = np.float32(1e-30)  # for the logarithm of classes that a model rules out
_ROUNDING = np.float32(2e-6)


def cdal(
    pool: Pool,
    n: int,
    rng: np.random.Generator,
    *,
    weights: Weights | None = None,
) -> NDArray[np.intp]:
    """k-center greedy on the predicted probabilities, by the divergence between predictions.

    Agarwal et al. 2020, Contextual Diversity for Active Learning, in its core-set form for
    classification: the dissimilarity of p and q is ½KL(p‖q) + ½KL(q‖p). Exact. Without labels the
    first pick is the prediction of most entropy; once every item left coincides with a chosen one,
    the rest is drawn at random.

    Costs the product (N x 2C)(2C x labelled + n) and a few passes over the pool; 30 bytes per item
    and some blocks beside the input.

    Args:
        pool: needs probabilities; embeddings are not read.
        n: how many.
        rng: draws what is left to draw among coinciding items.
        weights: not negative, one per item or a function of the pool: factors of the divergences.
    """
    space = Divergence(need_probs(pool))
    factors = None if weights is None else check_weights(weights, pool)
    entropy = -space.own if factors is None else -space.own * factors
    first = int(entropy.argmax())
    return farthest_first(space, pool.labelled, n, rng, first=first, weights=factors)


class Divergence(Space):
    """½KL(p‖q) + ½KL(q‖p) = ½ (Σ p log p + Σ q log q - p·log q - q·log p)."""

    def __init__(self, probs: Floats) -> None:
        self.probs = probs
        self.own = np.empty(len(probs), dtype=np.float32)

        def own(rows: slice) -> None:
            self.own[rows] = np.einsum("nc,nc->n", probs[rows], _log(probs[rows])) / 2

        for_blocks(own, len(probs))
        self.rounding = _ROUNDING * -self.own

    def towards(self, centres: NDArray[np.intp]) -> Towards:
        """See `Space`."""
        half = self.probs[centres]
        logs = _log(half)
        half *= -0.5
        logs *= -0.5
        constant = self.own[centres][:, None]

        def terms(rows: slice | NDArray[np.intp]) -> Floats:
            p = self.probs[rows]
            out = half @ _log(p).T
            out += logs @ p.T
            out += constant
            return out

        return terms


def _log(probs: Floats) -> Floats:
    out = np.empty_like(probs)
    np.maximum(probs, _FLOOR, out=out)
    np.log(out, out=out)
    return out
