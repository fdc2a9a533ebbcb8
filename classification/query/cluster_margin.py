"""Low margins from many clusters: Cluster-Margin, and the informative and diverse sampler."""

import numpy as np
from numpy.typing import NDArray

from classification.errors import FieldmarkError
from classification.query import scores
from classification.query.clusters import UnitRows, kmeans
from classification.query.linkage import tree_of
from classification.query.needs import need_embeddings, need_probs
from classification.query.pool import Pool
from classification.query.ranking import best, rank_within


def cluster_margin(
    pool: Pool, n: int, rng: np.random.Generator, *, candidates: int = 10, clusters: int = 0
) -> NDArray[np.intp]:
    """Of the `candidates` x n lowest margins, one per cluster in turn, smallest clusters first.

    Citovsky et al. 2021, "Batch Active Learning at Scale". The clusters are those of average
    linkage over the whole pool, by the number of them instead of a distance; above 2,000 items
    the linkage is of 2,000 k-means clusters (`linkage.tree_of`). Within a cluster the draw is
    random, as in the paper. Cost: that of the k-means. Memory: 100 MB, and the k-means'.

    Args:
        pool, n, rng: as of every strategy.
        candidates: how many times `n` of the lowest margins to choose from, 1 or more.
        clusters: how many clusters; 0: as many as items are asked for.
    """
    if candidates < 1 or clusters < 0:
        raise FieldmarkError(
            f"candidates is {candidates} and clusters {clusters}; give 1 or more candidates per "
            "item, and 0 or more clusters"
        )
    x, value, free = need_embeddings(pool), scores.margin(need_probs(pool)), pool.unlabelled
    lowest = best(value, free, min(candidates * n, len(free)), rng)
    tree = tree_of(UnitRows(x, np.arange(len(pool))), "average", rng)
    of = np.unique(tree.cut(clusters or n)[lowest], return_inverse=True)[1].ravel()
    shuffled = rng.permutation(len(lowest))
    turn = np.empty(len(lowest), dtype=np.intp)
    turn[shuffled] = rank_within(of[shuffled])
    size = np.bincount(of)
    place = rng.permutation(len(size))  # of clusters of one size
    return lowest[np.lexsort((place[of], size[of], turn))[:n]]


def informative_diverse(
    pool: Pool, n: int, rng: np.random.Generator, *, clusters: int = 0
) -> NDArray[np.intp]:
    """The lowest margins, from each k-means cluster no more than its share of the pool.

    As of google/active-learning (2019): in order of margin, an item is taken unless its cluster
    already fills its share of the batch; then the lowest margins that are left fill the batch.
    Cost: that of a k-means with few centres. Memory: a few numbers per item, and the k-means'.

    Args:
        pool, n, rng: as of every strategy.
        clusters: how many; 0: as many as there are classes.
    """
    if clusters < 0:
        raise FieldmarkError(f"clusters is {clusters}; give 0 (one per class) or more")
    x, probs, free = need_embeddings(pool), need_probs(pool), pool.unlabelled
    of = kmeans(UnitRows(x, np.arange(len(pool))), clusters or probs.shape[1], rng).of
    share = -(-n * np.bincount(of) // len(pool))  # of the batch, rounded up
    order = best(scores.margin(probs), free, len(free), rng)
    within = rank_within(of[order]) < share[of[order]]
    return np.concatenate([order[within], order[~within]])[:n]
