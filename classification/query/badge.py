"""BADGE: items whose gradients are large and point in different directions."""

import numpy as np
from numpy.typing import NDArray

from classification.query.distances import Floats, Space, Towards, for_blocks, squared_lengths
from classification.query.greedy import sampled_apart
from classification.query.needs import Weights, check_weights, need_embeddings, need_probs
from classification.query.pool import Pool

_ROUNDING = np.float32(4e-6)  # share of ‖g‖²: two rounded products are multiplied


def badge(
    pool: Pool,
    n: int,
    rng: np.random.Generator,
    *,
    weights: Weights | None = None,
) -> NDArray[np.intp]:
    """k-means++ seeding on the gradients of the last layer, for the predicted classes.

    Ash et al. 2020, Deep Batch Active Learning by Diverse, Uncertain Gradient Lower Bounds. The
    gradient of item i is (p_i - e_ŷ) ⊗ h_i, h its embedding. The largest comes first, then each
    item with a probability as its squared distance to the nearest chosen one: exact, though the
    gradients, N x C·D numbers, are never built. Once every item left coincides with a chosen one,
    the rest is drawn at random; all certain predictions coincide, with a gradient of 0.

    Costs the products (N x D)(D x n) and (N x C)(C x n) and a few passes over the pool; 40
    bytes per item and some blocks beside the input.

    Args:
        pool: needs embeddings and probabilities.
        n: how many.
        rng: draws the items.
        weights: not negative, one per item or a function of the pool: factors of the distances.
    """
    space = Gradients(need_probs(pool), need_embeddings(pool))
    factors = None if weights is None else check_weights(weights, pool) ** 2
    return sampled_apart(space, pool.labelled, n, rng, weights=factors)


class Gradients(Space):
    """Squared distance of a_i ⊗ h_i, where a = p - e_ŷ: from the products of a and of h.

    ‖a_i ⊗ h_i - a_j ⊗ h_j‖² = ‖a_i‖²‖h_i‖² + ‖a_j‖²‖h_j‖² - 2 (a_i·a_j)(h_i·h_j)
    """

    def __init__(self, probs: Floats, embeddings: Floats) -> None:
        self.probs, self.x = probs, embeddings
        self.predicted = np.empty(len(probs), dtype=np.int32)
        self.own = np.empty(len(probs), dtype=np.float32)

        def own(rows: slice) -> None:
            self.predicted[rows] = probs[rows].argmax(axis=1)
            self.own[rows] = squared_lengths(self._a(rows)) * squared_lengths(embeddings[rows])

        for_blocks(own, len(probs))
        self.rounding = _ROUNDING * self.own

    def _a(self, rows: slice | NDArray[np.intp]) -> Floats:
        a = self.probs[rows].copy()
        a[np.arange(len(a)), self.predicted[rows]] -= 1
        return a

    def towards(self, centres: NDArray[np.intp]) -> Towards:
        """See `Space`."""
        a, h = -2 * self._a(centres), self.x[centres]
        constant = self.own[centres][:, None]

        def terms(rows: slice | NDArray[np.intp]) -> Floats:
            out = h @ self.x[rows].T
            out *= a @ self._a(rows).T
            out += constant
            return out

        return terms
