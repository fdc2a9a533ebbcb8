"""TypiClust: the most typical item of each cluster that nobody has labelled yet."""

from collections.abc import Iterator
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from classification.errors import FieldmarkError
from classification.query.clusters import Clusters, UnitRows, kmeans
from classification.query.distances import Floats, row_blocks, squared_distances
from classification.query.needs import need_embeddings
from classification.query.pool import Pool

_TOGETHER = 10_000  # items of a cluster among which neighbours are sought
_NEIGHBOUR_ROWS = 512  # times 10,000: 20 MB of distances


def typiclust(
    pool: Pool,
    n: int,
    rng: np.random.Generator,
    *,
    neighbours: int = 20,
    clusters: int = 500,
    smallest: int = 6,
) -> NDArray[np.intp]:
    """Clusters without labels first, large before small, and of each its most typical item.

    Hacohen et al. 2022, Active Learning on a Budget: Opposite Strategies Suit High and Low Budgets
    (TPC_RP). The pool, labelled items included, is cut into as many clusters as there are labels
    and picks, by k-means on rows of length one. Typicality is the inverse of the mean squared
    distance to the nearest items of the cluster that are neither labelled nor chosen. Turns go on
    until the batch is full; the clusters below `smallest` come when the others are used up.

    The rule is exact for the clusters found. One with more than 10,000 unlabelled items is taken
    in parts of that many, drawn at random. Costs that of `kmeans` and a product of N x D x (size of
    a cluster); at most 350 bytes per item and the 50,000 rows that `kmeans` fits to.

    Args:
        pool: needs embeddings; labels are only counted, probabilities not read.
        n: how many.
        rng: draws the seeds of the clusters.
        neighbours: most neighbours whose distance counts; in small clusters half of the items.
        clusters: most clusters.
        smallest: fewest items of a cluster that gets a turn.
    """
    if min(neighbours, clusters, smallest) < 1:
        raise FieldmarkError(
            f"neighbours is {neighbours}, clusters {clusters} and smallest {smallest}; give 1 or "
            "more of each"
        )
    embeddings = need_embeddings(pool)
    k = min(int(pool.labelled.sum()) + n, clusters)
    found = kmeans(UnitRows(embeddings, np.arange(len(pool))), k, rng)
    turns = [
        [_most_typical(embeddings, members, neighbours, rng) for members in group]
        for group in _groups(found, pool.labelled, smallest)
    ]
    return np.fromiter(islice(chain(*map(_in_turns, turns)), n), dtype=np.intp, count=n)


def _groups(
    found: Clusters, labelled: NDArray[np.bool_], smallest: int
) -> tuple[list[NDArray[np.intp]], list[NDArray[np.intp]]]:
    """The unlabelled members of the clusters large enough, and of the others, in turn."""
    k = len(found.centres)
    sizes = np.bincount(found.of, minlength=k)
    known = np.bincount(found.of[labelled], minlength=k)
    free = np.flatnonzero(~labelled)
    free = free[np.argsort(found.of[free], kind="stable")]
    members = np.split(free, np.cumsum(sizes - known)[:-1])
    order = np.lexsort((-sizes, known))
    large = [members[c] for c in order if sizes[c] >= smallest]
    return large, [members[c] for c in order if sizes[c] < smallest]


def _in_turns(sources: list[Iterator[int]]) -> Iterator[int]:
    """One of each, then the next of each, until all are used up."""
    while sources:
        left = []
        for source in sources:
            for item in islice(source, 1):
                left.append(source)
                yield item
        sources = left


def _most_typical(
    embeddings: Floats, members: NDArray[np.intp], neighbours: int, rng: np.random.Generator
) -> Iterator[int]:
    """Members by typicality, each taken out before the next is sought."""
    if len(members) > _TOGETHER:
        members = rng.permutation(members)
    for part in row_blocks(len(members), _TOGETHER):
        left = members[part]
        while len(left):
            free = np.ones(len(left), dtype=bool)
            for best in _until_unsure(UnitRows(embeddings, left), free, neighbours):
                free[best] = False
                yield int(left[best])
            left = left[free]


def _until_unsure(x: UnitRows, free: NDArray[np.bool_], neighbours: int) -> Iterator[int]:
    """The most typical of the rows that are `free`, as long as the lists of neighbours reach.

    The caller marks what it was given as no longer free. The lists hold twice as many neighbours as
    are needed, so that most picks need no new one.
    """
    near, squared = _neighbours(x, min(2 * neighbours, len(x) - 1))
    while (left := int(free.sum())) > 0:
        among = min(neighbours, left // 2)
        counts = free[near]
        rank = counts.cumsum(axis=1)
        if among and (rank[free, -1] < among).any():
            return
        counts &= rank <= among
        mean = np.einsum("ij,ij->i", squared, counts) / max(among, 1)
        mean[~free] = np.inf
        yield int(mean.argmin())


def _neighbours(x: UnitRows, k: int) -> tuple[NDArray[np.int32], Floats]:
    """The `k` nearest other rows, nearest first, and the squared distances: [M, k]."""
    rows = x[:]
    near = np.empty((len(x), k), dtype=np.int32)
    squared = np.empty((len(x), k), dtype=np.float32)
    for some in row_blocks(len(x) if k else 0, _NEIGHBOUR_ROWS):
        block = squared_distances(rows[some], rows)
        own = np.arange(some.start, some.stop)
        block[own - some.start, own] = np.inf
        found = np.argpartition(block, k - 1, axis=1)[:, :k]
        value = np.take_along_axis(block, found, axis=1)
        order = np.argsort(value, axis=1, kind="stable")
        near[some] = np.take_along_axis(found, order, axis=1)
        squared[some] = np.take_along_axis(value, order, axis=1)
    return near, squared
