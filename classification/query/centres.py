"""Items that stand for the clusters of a pool, of its uncertain part, or of a model's margin."""

import numpy as np
from numpy.typing import NDArray

from classification.errors import FieldmarkError
from classification.query.clusters import UnitRows, central_rows, kmeans
from classification.query.distances import Floats, row_blocks
from classification.query.needs import need_embeddings, need_probs
from classification.query.pool import Pool
from classification.query.ranking import best
from classification.query.scores import margin

_MOST = 1_000  # clusters; their cost grows with the square of their number


def cluster_centres(
    pool: Pool,
    n: int,
    rng: np.random.Generator,
    *,
    uncertain: int = 0,
    weighted: bool = False,
) -> NDArray[np.intp]:
    """The item nearest each of `n` centroids of k-means, larger clusters first.

    Of all unlabelled items it makes a good first batch (Gupte et al. 2024, Revisiting Active
    Learning in the Era of Vision Foundation Models); of the least certain ones, weighted by
    uncertainty, it is Zhdanov 2019, Diverse Mini-Batch Active Learning. Embeddings are scaled to
    length one. Batches of more than 1,000 take 1,000 clusters and their second nearest, and so on.
    Cost and memory are those of `clusters.kmeans`.

    Args:
        pool: needs embeddings; labels are not looked at; probabilities only for the options.
        n: how many.
        rng: draws the seeds of the clusters.
        uncertain: cluster only the `uncertain` x n items of smallest margin, in the paper 10 to 50;
            0: all.
        weighted: an item counts one minus its margin in the centroids.
    """
    if uncertain < 0:
        raise FieldmarkError(f"uncertain is {uncertain}; give 0 (all items) or more")
    rows, weights = pool.unlabelled, None
    scores = margin(need_probs(pool)) if uncertain or weighted else None
    if scores is not None and uncertain:
        rows = best(scores, rows, min(uncertain * n, len(rows)), rng)
    if scores is not None and weighted:
        weights = 1 + scores[rows]
    return central(need_embeddings(pool), rows, n, rng, weights=weights)


def margin_cluster_mean(pool: Pool, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Items near the centroids of those within the margin, the most uncertain first.

    Xu et al. 2003, Representative Sampling for Text Classification Using Support Vector Machines,
    as in google/active-learning: an item is within the margin if for some class its probability is
    nearer one half than that of any labelled item. With fewer than `n` of them, the smallest
    margins (of the two likeliest classes) are taken. Without labels all items are within.

    Cost and memory are those of `clusters.kmeans`.

    Args:
        pool: needs embeddings and probabilities.
        n: how many.
        rng: draws the seeds of the clusters and breaks ties.
    """
    probs, embeddings = need_probs(pool), need_embeddings(pool)
    rows = pool.unlabelled
    within = rows[_within_margin(probs, pool.taught)[rows]]
    if len(within) >= n:
        rows = central(embeddings, within, n, rng)
    return best(margin(probs), rows, n, rng)


def central(
    embeddings: Floats,
    rows: NDArray[np.intp],
    n: int,
    rng: np.random.Generator,
    *,
    weights: Floats | None = None,
) -> NDArray[np.intp]:
    """`n` of `rows` that lie nearest the centroids of as many clusters, at most 1,000.

    Args:
        embeddings: float32 [N, D].
        rows: positions, `n` or more.
        n: how many.
        rng: draws the seeds.
        weights: float32 [rows], what each counts in the centroids. None: all 1.
    """
    found = kmeans(UnitRows(embeddings, rows), min(n, _MOST), rng, weights=weights)
    return rows[central_rows(found, n)]


def _within_margin(probs: Floats, taught: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which items have a class whose boundary is nearer to them than to any of `taught`: [N]."""
    bars = np.abs(probs[taught] - 0.5).min(axis=0, initial=np.inf)
    out = np.empty(len(probs), dtype=bool)
    for rows in row_blocks(len(probs)):
        out[rows] = (np.abs(probs[rows] - 0.5) < bars).any(axis=1)
    return out
