"""BAIT: the batch after which the labels bound the error on the pool most tightly.

Ash et al. 2021, "Gone Fishing". With V_i the gradients of item i's log likelihood for each class,
each times the root of that class's probability, the pool's Fisher information is F = mean of V'V.
BAIT minimises tr(M^-1 F), where M is the information of labels and batch: it adds 2n items greedily
and takes the n least useful away again.

V_i is the Kronecker product of a small matrix a_i and the embedding, so it is never built. For a
pick with U = M^-1 V_j' the identity of Woodbury changes V_i M^-1 V_i' and V_i M^-1 F M^-1 V_i' of
every candidate by products of V_i U and V_i M^-1 F U alone: one matrix product a pick.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from classification.errors import FieldmarkError
from classification.query.distances import row_blocks
from classification.query.needs import need_embeddings, need_probs
from classification.query.pool import Pool

_FULL_UP_TO = 1024  # parameters (classes x dimensions) that "auto" takes the full form for
_KEPT = 50_000  # candidates of the greedy search

Wide = NDArray[np.float64]


def bait(
    pool: Pool,
    n: int,
    rng: np.random.Generator,
    *,
    form: str = "auto",
    ridge: float = 1.0,
    candidates: int = _KEPT,
) -> NDArray[np.intp]:
    """Greedy forward search for 2n items, then pruning to `n`.

    Cost: N D^2 P^2 for F and 2n products of candidates x D x 2P^2, where P is the number of classes
    in the full form and 1 in the binary one. Memory: a few (P D)^2 float64, one copy of the
    unlabelled embeddings, 4 P^2 float64 per item of them.

    Args:
        pool, n, rng: as of every strategy.
        form: ``full``, the paper's; ``binary``, whose likelihood is that of the predicted class
            being right (Huseljic et al. 2024, "Fast Fishing"): D x D matrices whatever the number
            of classes; ``auto``, full up to 1,024 parameters.
        ridge: the paper's lambda, above 0.
        candidates: the greedy search is among this many items (at least 4n), drawn with odds of
            what each alone would gain; with fewer unlabelled it is exact.
    """
    if form not in ("auto", "full", "binary"):
        raise FieldmarkError(f"form is {form!r}; allowed: auto, full, binary")
    if ridge <= 0 or candidates < 1:
        raise FieldmarkError(
            f"ridge is {ridge} and candidates {candidates}; give a ridge above 0 and 1 or more "
            "candidates"
        )
    x, probs = need_embeddings(pool), need_probs(pool)
    if form == "auto":
        form = "full" if probs.shape[1] * x.shape[1] <= _FULL_UP_TO else "binary"
    fisher = _information(x, probs, np.arange(len(pool)), form) / len(pool)
    known = len(pool.taught)
    start = _information(x, probs, pool.taught, form) / (known + n)
    start[np.diag_indices_from(start)] += ridge
    search = _Search(weight=n / (known + n), fisher=fisher, inverse=_inverse(start))
    free = rng.permutation(pool.unlabelled)  # equal gains: any may come first
    search.enter(x[free], _factors(probs, form)[free])
    kept = search.keep(max(candidates, 4 * n), rng)
    chosen = search.forward(min(2 * n, len(free)))
    return free[kept[chosen[search.backward(chosen, n)]]]


def _factors(probs: NDArray[np.float32], form: str) -> Wide:
    """a_i of V_i = a_i (x) h_i: float64 [N, K, P], K outcomes by P blocks of parameters."""
    if form == "binary":  # its two outcomes are multiples of one row
        top = probs.max(axis=1).astype(np.float64)
        return np.sqrt(top * (1 - top).clip(0))[:, None, None]
    p = probs.astype(np.float64)
    return np.sqrt(p)[:, :, None] * (np.eye(p.shape[1]) - p[:, None, :])


def _information(
    x: NDArray[np.float32], probs: NDArray[np.float32], rows: NDArray[np.intp], form: str
) -> Wide:
    """Sum of V'V over these rows: float64 [P D, P D]."""
    parts, dim = (1 if form == "binary" else probs.shape[1]), x.shape[1]
    out = np.zeros((parts, dim, parts, dim))
    for block in row_blocks(len(rows)):
        h, a = x[rows[block]], _factors(probs[rows[block]], form)
        weights = (a.transpose(0, 2, 1) @ a).astype(np.float32)
        for i in range(parts):
            for j in range(i + 1):
                out[i, :, j] += (h * weights[:, i, j, None]).T @ h
    for i in range(parts):
        for j in range(i):
            out[j, :, i] = out[i, :, j].T
    return out.reshape(parts * dim, parts * dim)


@dataclass
class _Search:
    """The information so far and what each candidate would add to it.

    Attributes:
        weight: of an item of the batch in M.
        fisher: F; inverse: M^-1, both float64 [P D, P D].
        h: embeddings of the candidates, [m, D], float64 where digits count.
        a: their factors times the root of the weight, float64 [m, K, P].
        own: V_i M^-1 V_i'; value: V_i M^-1 F M^-1 V_i', both float64 [m, K, K].
    """

    weight: float
    fisher: Wide
    inverse: Wide
    h: NDArray[np.floating] = field(init=False)
    a: Wide = field(init=False)
    own: Wide = field(init=False)
    value: Wide = field(init=False)

    def enter(self, h: NDArray[np.floating], factors: Wide) -> None:
        """Take these items for candidates."""
        self.h, self.a = h, factors * np.sqrt(self.weight)
        self._measure()

    def keep(self, most: int, rng: np.random.Generator) -> NDArray[np.intp]:
        """Only `most` candidates; their positions among those before.

        Drawn with odds of their gain: the largest gains alone are like one another, and lost twice
        as much against the search among all.
        """
        if most >= len(self.h):
            return np.arange(len(self.h))
        odds = np.log(np.maximum(self._trace(1), 1e-300)) + rng.gumbel(size=len(self.h))
        kept = np.sort(np.argpartition(-odds, most - 1)[:most])
        self.h, self.a = self.h[kept], self.a[kept]
        self.own, self.value = self.own[kept], self.value[kept]
        return kept

    def forward(self, count: int) -> NDArray[np.intp]:
        """Positions among the candidates, each the best after those before it."""
        chosen: list[int] = []
        for _ in range(count):
            gain = self._trace(1)  # decrease of tr(M^-1 F)
            gain[chosen] = -np.inf
            chosen.append(int(gain.argmax()))
            self._move(chosen[-1], 1)
        return np.array(chosen, dtype=np.intp)

    def backward(self, chosen: NDArray[np.intp], n: int) -> NDArray[np.intp]:
        """Which of the chosen remain, in their order, after taking the least useful away."""
        self.h, self.a = self.h[chosen].astype(np.float64), self.a[chosen]
        self._measure()  # in float64: 1 - own is small
        kept = np.ones(len(chosen), dtype=bool)
        for _ in range(len(chosen) - n):
            loss = np.where(kept, self._trace(-1), np.inf)
            worst = len(loss) - 1 - int(loss[::-1].argmin())  # of equals the one chosen last
            kept[worst] = False
            self._move(worst, -1)
        return np.flatnonzero(kept)

    def _measure(self) -> None:
        """`own` and `value` from M^-1 and F."""
        shape = (len(self.h), self.a.shape[1], self.a.shape[1])
        self.own, self.value = np.empty(shape), np.empty(shape)
        spread = self.inverse @ self.fisher @ self.inverse
        for rows in row_blocks(len(self.h)):
            h, a = self.h[rows], self.a[rows]
            for out, matrix in ((self.own, self.inverse), (self.value, spread)):
                out[rows] = a @ _quadratic(h, matrix) @ a.transpose(0, 2, 1)

    def _trace(self, sign: int) -> Wide:
        """tr(value (I + sign own)^-1) of each candidate: float64 [m]."""
        inner = _inverse(np.eye(self.own.shape[1]) + sign * self.own)
        return np.einsum("nij,nji->n", self.value, inner)

    def _move(self, j: int, sign: int) -> None:
        """Add candidate `j` to M (sign 1) or take it away (-1)."""
        v = np.einsum("kp,d->kpd", self.a[j], self.h[j].astype(np.float64))
        v = v.reshape(len(v), -1)  # V_j, [K, P D]
        u = self.inverse @ v.T
        far = self.fisher @ u
        middle = sign * _inverse(np.eye(len(v)) + sign * (v @ u))
        near = self._along(u)
        left = near @ middle
        cross = left @ self._along(self.inverse @ far).transpose(0, 2, 1)
        self.own -= left @ near.transpose(0, 2, 1)
        self.value += left @ (u.T @ far) @ left.transpose(0, 2, 1)
        self.value -= cross + cross.transpose(0, 2, 1)
        self.inverse -= u @ middle @ u.T

    def _along(self, columns: Wide) -> Wide:
        """V_i times these columns [P D, K], for all candidates: float64 [m, K, K]."""
        parts, dim = self.a.shape[2], self.h.shape[1]
        wide = columns.reshape(parts, dim, -1).transpose(1, 0, 2).reshape(dim, -1)
        product = (self.h @ wide.astype(self.h.dtype)).astype(np.float64)
        return self.a @ product.reshape(len(self.h), parts, -1)


def _quadratic(h: NDArray[np.floating], matrix: Wide) -> Wide:
    """h_i' M_pq h_i for each pair of blocks of M: float64 [N, P, P]."""
    dim = h.shape[1]
    parts = len(matrix) // dim
    blocks = matrix.astype(h.dtype).reshape(parts, dim, parts, dim)
    out = np.empty((len(h), parts, parts))
    for p in range(parts):
        for q in range(p + 1):
            out[:, p, q] = out[:, q, p] = np.einsum("nd,nd->n", h @ blocks[p, :, q], h)
    return out


def _inverse(matrix: Wide) -> Wide:
    """Of one matrix or many; a thousand times faster than LAPACK where they are 1 x 1."""
    if matrix.shape[-1] == 1:
        return np.reciprocal(matrix)
    return np.linalg.inv(matrix).astype(np.float64, copy=False)
