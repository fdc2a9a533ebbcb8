"""From a dataset and a model to the next query: builds the pool, runs the strategy."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classification.config import QueryConfig
from classification.data.dataset import Dataset
from classification.query import Pool, select
from classification.query.names import NEEDS_MODEL

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The next query: its table (`schemas.QueryTable`), and what was left before it."""

    strategy: str
    table: "pd.DataFrame"
    remaining: int


def choose(
    dataset: Dataset,
    config: QueryConfig,
    *,
    labels: NDArray[np.int64],
    decided: Collection[str],
    embeddings: NDArray[np.float32] | None,
    probs: NDArray[np.float32] | None,
    rng: np.random.Generator,
) -> Chosen:
    """Choose what to ask next among the train items that nobody has decided on.

    Args:
        dataset: all items [N].
        config: strategy and batch sizes.
        labels: int64 [N], class ids the model has learned from, -1 elsewhere.
        decided: items with a decision of any kind; an `unsure` one is not asked again.
        embeddings: float32 [N, D]; None before there is a model.
        probs: float32 [N, C]; None before there is a model, and then the choice is random where
            the strategy needs one.
        rng: source of every random choice.
    """
    import pandas as pd

    rows = dataset.rows("train")
    paths = np.array(dataset.paths, dtype=object)
    answered = np.array([path in decided for path in paths[rows]], dtype=bool)
    pool = Pool(
        embeddings=np.zeros((len(rows), 0), np.float32) if embeddings is None else embeddings[rows],
        probs=None if probs is None else probs[rows],
        labelled=answered | (labels[rows] >= 0),
        labels=labels[rows],
        groups=np.unique(dataset.groups[rows], return_inverse=True)[1].astype(np.int64),
    )
    strategy = "random" if probs is None and config.strategy in NEEDS_MODEL else config.strategy
    size = config.seed_size if probs is None else config.size
    query = rows[select(strategy, pool, size, rng)]
    names = np.array(dataset.classes, dtype=object)
    table = pd.DataFrame(
        {
            "rank": np.arange(len(query)),
            "path": paths[query],
            "strategy": strategy,
            "suggestion": None if probs is None else names[probs[query].argmax(axis=1)],
            "confidence": np.nan if probs is None else probs[query].max(axis=1).clip(0, 1),
        }
    )
    return Chosen(strategy=strategy, table=table, remaining=len(pool.unlabelled))
