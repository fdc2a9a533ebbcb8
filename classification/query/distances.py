"""Distances between many items in bounded memory: blocks of rows, products in float32.

Every routine takes blocks of `BLOCK` rows against at most `CENTRES` others, one block per core and
4 MB of distances each, and keeps one number per item.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from classification.threads import on_all_cores

BLOCK = 4096
CENTRES = 256

Floats = NDArray[np.float32]
Towards = Callable[[slice | NDArray[np.intp]], Floats]

_FEW = 4  # blocks that take less time than threads take to start: some 10 ms
# Products of float32 rows are off by about this share of the product of the rows' lengths.
_ROUNDING = np.float32(2e-6)


def row_blocks(n: int, size: int = BLOCK) -> Iterator[slice]:
    """Slices that cover 0 to `n`, of `size` rows, the last of fewer."""
    return (slice(start, min(start + size, n)) for start in range(0, n, size))


def for_blocks(work: Callable[[slice], object], n: int) -> None:
    """``work(rows)`` for the blocks of `n` rows, on all cores where there are many."""
    blocks = list(row_blocks(n))
    if len(blocks) > _FEW:
        on_all_cores(work, blocks)
        return
    for block in blocks:
        work(block)


def unit_rows(rows: Floats) -> Floats:
    """A copy with rows of length one; zero rows stay zero. rows: float32 [N, D]."""
    return rows * inverse_lengths(rows)[:, None]


def inverse_lengths(rows: Floats) -> Floats:
    """1 / ‖row‖, and 0 for zero rows: float32 [N]."""
    lengths = np.sqrt(squared_lengths(rows))
    np.divide(1, lengths, out=lengths, where=lengths > 0)
    return lengths


def squared_lengths(rows: Floats) -> Floats:
    """‖row‖²: float32 [N]."""
    return np.einsum("nd,nd->n", rows, rows)


def squared_distances(x: Floats, y: Floats) -> Floats:
    """‖x_i - y_j‖², never negative: float32 [N, M] of x float32 [N, D] and y float32 [M, D].

    The caller bounds N x M. Rows far from the origin lose digits: subtract a mean first.
    """
    out = x @ (-2 * y).T
    out += squared_lengths(x)[:, None]
    out += squared_lengths(y)
    return np.maximum(out, 0, out=out)


class Space(ABC):
    """Items with a dissimilarity own_i + own_j - cross_ij, whose cross is a product of matrices.

    Attributes:
        own: float32 [N].
        rounding: float32 [N]; a dissimilarity below it may be one of rounding and counts as 0.
    """

    own: Floats
    rounding: Floats

    @abstractmethod
    def towards(self, centres: NDArray[np.intp]) -> Towards:
        """A function of rows that gives own_j - cross_ij: float32 [K, rows], K centres."""

    def between(self, rows: NDArray[np.intp]) -> Floats:
        """Dissimilarities among a few rows: float32 [K, K]."""
        out = self.towards(rows)(rows)
        out += self.own[rows]
        out[out < self.rounding[rows]] = 0
        return out

    def lower(self, nearest: Floats, centres: NDArray[np.intp]) -> None:
        """Lower each of `nearest`, float32 [N], to the dissimilarity to the nearest centre."""
        for some in row_blocks(len(centres), CENTRES):
            terms = self.towards(centres[some])

            def lower(rows: slice, terms: Towards = terms) -> None:
                found = terms(rows).min(axis=0)
                found += self.own[rows]
                found[found < self.rounding[rows]] = 0
                np.minimum(nearest[rows], found, out=nearest[rows])

            for_blocks(lower, len(nearest))


class Euclidean(Space):
    """Squared Euclidean distance of embeddings, float32 [N, D], without a copy of them.

    The mean is taken off the centres only, which spares the digits that a common offset of all
    embeddings (activations are positive) would cost.
    """

    def __init__(self, embeddings: Floats) -> None:
        self.x = embeddings
        self.mean = embeddings.mean(axis=0, dtype=np.float64).astype(np.float32)
        self.own = np.empty(len(embeddings), dtype=np.float32)

        def own(rows: slice) -> None:
            self.own[rows] = squared_lengths(embeddings[rows] - self.mean)

        for_blocks(own, len(embeddings))
        self.rounding = _ROUNDING * np.sqrt(self.own * squared_lengths(embeddings))

    def middle(self) -> int:
        """The item nearest the mean."""
        return int(self.own.argmin())

    def towards(self, centres: NDArray[np.intp]) -> Towards:
        """See `Space`."""
        c = self.x[centres] - self.mean
        constant = (self.own[centres] + 2 * (c @ self.mean))[:, None]
        c *= -2

        def terms(rows: slice | NDArray[np.intp]) -> Floats:
            out = c @ self.x[rows].T
            out += constant
            return out

        return terms


class Cosine(Space):
    """Squared Euclidean distance of embeddings of length one: 2 - 2 cosine, without a copy.

    A zero embedding is at distance 1 from every other and at 0 from its like.
    """

    def __init__(self, embeddings: Floats) -> None:
        self.x = embeddings
        self.inverse = inverse_lengths(embeddings)
        self.own = np.where(self.inverse > 0, np.float32(1), np.float32(0))
        self.rounding = _ROUNDING * self.own

    def middle(self) -> int:
        """The item nearest the mean of the embeddings of length one."""
        return int(((self.x @ (self.inverse @ self.x)) * self.inverse).argmax())

    def towards(self, centres: NDArray[np.intp]) -> Towards:
        """See `Space`."""
        c = self.x[centres]
        c *= (-2 * self.inverse[centres])[:, None]
        constant = self.own[centres][:, None]

        def terms(rows: slice | NDArray[np.intp]) -> Floats:
            out = c @ self.x[rows].T
            out *= self.inverse[rows]
            out += constant
            return out

        return terms


SPACES: dict[str, type[Euclidean | Cosine]] = {"euclidean": Euclidean, "cosine": Cosine}
