"""A plane in which items of like embeddings lie together, for people to look at."""

from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classification.errors import FieldmarkError

MOST = 4_000  # items drawn: t-SNE of them takes about 20 s of one core
_DIMENSIONS = 50  # principal components that t-SNE sees, as its authors advise
METHODS = ("tsne", "umap")


def plane(
    embeddings: NDArray[np.floating], *, method: str = "tsne", seed: int = 0
) -> NDArray[np.float32]:
    """Two coordinates of each item: t-SNE (van der Maaten & Hinton 2008), of 50 components.

    Distances between far groups mean nothing; who lies beside whom does.

    Args:
        embeddings: [N, D].
        method: tsne, or umap (McInnes et al. 2018) where the package umap-learn is installed.
        seed: of the layout.

    Returns:
        float32 [N, 2].

    Raises:
        FieldmarkError: an unknown method, or umap-learn is missing.
    """
    if method not in METHODS:
        raise FieldmarkError(f"unknown method {method!r}; allowed: {', '.join(METHODS)}")
    if method == "umap" and find_spec("umap") is None:
        raise FieldmarkError("method umap needs the package umap-learn; install it, or use tsne")
    x = np.asarray(embeddings, dtype=np.float32)
    if len(x) < 4:  # no neighbours to keep
        return np.pad(x[:, :2], ((0, 0), (0, 2 - min(2, x.shape[1]))))
    return _umap(x, seed) if method == "umap" else _tsne(x, seed)


def _tsne(x: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    if min(x.shape) > _DIMENSIONS:
        x = PCA(_DIMENSIONS, random_state=seed).fit_transform(x)
    perplexity = min(30.0, (len(x) - 1) / 3)
    start = PCA(2, random_state=seed).fit_transform(x) if min(x.shape) > 1 else x.repeat(2, axis=1)
    start = start / max(float(start[:, 0].std()), 1e-12) * 1e-4
    options: Any = {"init": start, "random_state": seed, "n_jobs": 1}
    layout = TSNE(2, perplexity=perplexity, **options)
    return np.asarray(layout.fit_transform(x), dtype=np.float32)


def _umap(x: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    import umap  # pyright: ignore[reportMissingImports]

    return np.asarray(umap.UMAP(random_state=seed, n_jobs=1).fit_transform(x), dtype=np.float32)


def some(
    asked: NDArray[np.bool_], *, most: int = MOST, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Positions of at most `most` items, ascending: all that were asked, the others at random.

    Args:
        asked: bool [N], items that must be on the map as far as they fit.
        most: items a map can show.
        rng: source of the choice.
    """
    order = np.concatenate([rng.permutation(np.flatnonzero(part)) for part in (asked, ~asked)])
    return np.sort(order[:most])
