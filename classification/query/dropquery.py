"""DropQuery: items whose predicted class does not survive the loss of most of their features."""

import numpy as np
from numpy.typing import NDArray

from classification.errors import FieldmarkError
from classification.query.centres import central
from classification.query.distances import row_blocks
from classification.query.heads import head_of
from classification.query.needs import need_embeddings
from classification.query.pool import Pool


def dropquery(
    pool: Pool,
    n: int,
    rng: np.random.Generator,
    *,
    dropout: float = 0.75,
    passes: int = 3,
    candidates: int = 25,
) -> NDArray[np.intp]:
    """Items whose class changes under dropout, spread out by k-means.

    Gupte et al. 2024, Revisiting Active Learning in the Era of Vision Foundation Models. The class
    of an item is predicted from its embedding and again, `passes` times, from what dropout leaves
    of it. Those whose class changed in more than half of the passes are the candidates; while they
    are fewer than `candidates` x n, one change less will do, down to one. Of the candidates the
    items nearest `n` centroids (at most 1,000, see `centres.central`) are taken. Too few are filled
    up at random. Without labels and without a head all items are candidates, the first batch of the
    paper.

    Features are dropped to the mean of the embeddings rather than to zero: to a head that
    standardises, zero is no neutral value. The head is the pool's, where the paper trains one with
    dropout. Costs 1 + `passes` predictions and k-means of the candidates; blocks of rows and one
    number per item.

    Args:
        pool: needs embeddings; a head with its probs, or labels to fit a linear one to.
        n: how many.
        rng: draws the dropped features, the seeds of the clusters and what fills a batch up.
        dropout: share of the features that are dropped; the others are scaled up to make up for it.
        passes: predictions under dropout.
        candidates: wanted per item of the batch.
    """
    if not 0 < dropout < 1 or passes < 1 or candidates < 1:
        raise FieldmarkError(
            f"dropout is {dropout}, passes {passes} and candidates {candidates}; give a share "
            "between 0 and 1, and 1 or more of the others"
        )
    embeddings, rows = need_embeddings(pool), pool.unlabelled
    if pool.head is not None or len(pool.taught):
        changes = _changes(pool, dropout, passes, rng)[rows]
        bar = passes // 2
        while bar > 0 and (changes > bar).sum() < candidates * n:
            bar -= 1
        unsure = changes > bar
        if unsure.sum() < n:
            others = rng.permutation(rows[~unsure])
            return np.concatenate([rng.permutation(rows[unsure]), others])[:n]
        rows = rows[unsure]
    return central(embeddings, rows, n, rng)


def _changes(
    pool: Pool, dropout: float, passes: int, rng: np.random.Generator
) -> NDArray[np.int16]:
    """How often each unlabelled item's class changes under dropout, int16 [N]; 0 for the others."""
    head, columns = head_of(pool), int(pool.labels.max()) + 1
    if pool.probs is not None:
        columns = pool.probs.shape[1]
    mean = pool.embeddings.mean(axis=0, dtype=np.float64).astype(np.float32)
    out, free = np.zeros(len(pool), dtype=np.int16), pool.unlabelled
    for some in row_blocks(len(free)):
        rows = free[some]
        x = pool.embeddings[rows]
        classes = head.predict(x, columns).argmax(axis=1)
        x -= mean
        x /= np.float32(1 - dropout)
        for _ in range(passes):
            kept = rng.random(x.shape, dtype=np.float32) >= dropout
            thinned = x * kept
            thinned += mean
            out[rows] += head.predict(thinned, columns).argmax(axis=1) != classes
    return out
