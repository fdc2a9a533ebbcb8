"""From a dataset and a model to the next query: builds the pool, runs the strategy."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classification.config_query import QueryConfig, is_own
from classification.data.dataset import Dataset
from classification.data.table import burst_ids, location_ids
from classification.own_strategy import named_strategy, strategy_function
from classification.query import Pool, select
from classification.query.names import ALIASES, AUDIT, NEEDS_MODEL
from classification.query.pool import Head
from classification.query.strategy import check_options

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The next query: its table (`schemas.QueryTable`), and what was left before it."""

    strategy: str
    table: "pd.DataFrame"
    remaining: int


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a model, or a backbone alone, makes of every item.

    Attributes:
        embeddings: float32 or float16 [N, D].
        probs: float32 [N, C]; None before anything was learned.
        head: what made `probs` of `embeddings`; None before anything was learned.
    """

    embeddings: NDArray[np.floating]
    probs: NDArray[np.float32] | None = None
    head: Head | None = None


def check_query(config: QueryConfig) -> None:
    """Refuse options that the strategy does not have, before anything is computed.

    Raises:
        FieldmarkError: the unknown options, and those there are; no such file or strategy in it.
    """
    check_options(
        config.strategy, strategy_function(named_strategy(config.strategy)), config.options
    )


def opens_with_embeddings(config: QueryConfig) -> bool:
    """Whether the strategy's first choice, without a model, gains from embeddings.

    Not of one's own: who writes it need not think of pools without probabilities.
    """
    name = ALIASES.get(config.strategy, config.strategy)
    return name != "random" and name not in NEEDS_MODEL and not is_own(name)


def choose(
    dataset: Dataset,
    config: QueryConfig,
    *,
    labels: NDArray[np.int64],
    decided: Collection[str],
    seen: Seen | None,
    rng: np.random.Generator,
) -> Chosen:
    """Choose what to ask next among the train items that nobody has decided on.

    Args:
        dataset: all items [N].
        config: strategy, batch sizes and limits.
        labels: int64 [N], class ids the model has learned from, -1 elsewhere.
        decided: items with a decision of any kind; an `unsure` one is not asked again.
        seen: what the model says; None before there is one, and then the choice is random where
            the strategy needs it.
        rng: source of every random choice.
    """
    rows = dataset.rows("train")
    pool = make_pool(dataset, rows, labels=labels, decided=decided, seen=seen)
    size = min(config.size if pool.probs is not None else config.seed_size, len(pool.unlabelled))
    audit = rng.permutation(pool.unlabelled)[: round(config.audit * size)]
    labelled = pool.labelled.copy()
    labelled[audit] = True
    ready = seen is not None and (pool.probs is not None or opens_with_embeddings(config))
    strategy, options = (config.strategy, config.options) if ready else ("random", {})
    picks = select(
        named_strategy(strategy),
        replace(pool, labelled=labelled),
        size - len(audit),
        rng,
        per_group=config.per_group,
        per_location=config.per_location,
        duplicates=config.duplicates if seen is not None else 0.0,
        **options,
    )
    asked = [AUDIT] * len(audit) + [strategy] * len(picks)
    table = _table(dataset, rows[np.concatenate([audit, picks])], asked, seen)
    return Chosen(strategy=strategy, table=table, remaining=len(pool.unlabelled))


def make_pool(
    dataset: Dataset,
    rows: NDArray[np.intp],
    *,
    labels: NDArray[np.int64],
    decided: Collection[str],
    seen: Seen | None,
) -> Pool:
    """The items `rows` as strategies see them; arguments as for `choose`."""
    paths = dataset.paths
    answered = np.array([paths[row] in decided for row in rows], dtype=bool)
    table = dataset.table.iloc[rows]
    if seen is None:
        embeddings, probs, head = np.zeros((len(rows), 0), dtype=np.float32), None, None
    else:
        embeddings = np.asarray(seen.embeddings[rows], dtype=np.float32)
        probs, head = None if seen.probs is None else seen.probs[rows], seen.head
    return Pool(
        embeddings=embeddings,
        probs=probs,
        labelled=answered | (labels[rows] >= 0),
        labels=labels[rows],
        groups=burst_ids(table),
        locations=location_ids(table),
        head=head,
    )


def _table(
    dataset: Dataset, query: NDArray[np.intp], asked: list[str], seen: Seen | None
) -> "pd.DataFrame":
    import pandas as pd

    probs = seen.probs[query] if seen is not None and seen.probs is not None else None
    names = np.array(dataset.classes, dtype=object)
    return pd.DataFrame(
        {
            "rank": np.arange(len(query)),
            "path": np.array(dataset.paths, dtype=object)[query],
            "strategy": asked,
            "suggestion": None if probs is None else names[probs.argmax(axis=1)],
            "confidence": np.nan if probs is None else probs.max(axis=1).clip(0, 1),
        }
    )
