"""Strategies that ask where several models disagree, and a committee for pools that have none.

A pool may bring what an ensemble or dropout passes of its network say (`Pool.committee`). For one
that does not, a committee of linear heads is made from its labels: each member fitted to a
bootstrap sample (query by bagging, Abe and Mamitsuka 1998), or one head whose inputs are dropped
out, with one mask per member for all items, so that a member is one model (Gal et al. 2017; the
consistent masks of Kirsch et al. 2019). What the members say is never held for more items than a
block, 64 MB.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from classification.errors import FieldmarkError
from classification.linear import fit_linear
from classification.query import scores
from classification.query.heads import head_of
from classification.query.needs import need_embeddings, need_probs
from classification.query.pool import Pool
from classification.query.ranking import best
from classification.query.strategy import Strategy

_BLOCK_VALUES = 16_777_216  # probabilities held at a time: 64 MB

Member = Callable[[NDArray[np.float32]], scores.Probs]
"""Embeddings to class probabilities: float32 [M, D] to float32 [M, C]."""


def by_committee(score: Callable[[scores.Probs], NDArray[np.float32]]) -> Strategy:
    """The strategy that takes the `n` highest scores of what several models say."""

    def strategy(
        pool: Pool,
        n: int,
        rng: np.random.Generator,
        *,
        members: int = 10,
        source: str = "bootstrap",
        dropout: float = 0.5,
        power: float = 0.0,
    ) -> NDArray[np.intp]:
        """Where the pool has no committee, `members` heads are made.

        Args:
            pool, n, rng: as of every strategy.
            members: size of a committee that is made here, 2 or more.
            source: ``bootstrap`` samples of the labels, or ``dropout`` of the embeddings before
                the head of the pool (a linear one on the labels where it has none).
            dropout: share of the embedding that a dropout pass sets to 0, in (0, 1).
            power: 0 takes the highest scores. Above it, items are drawn with odds of
                score ** power, which keeps a batch from being one kind of item many times
                (PowerBALD, Kirsch et al. 2023, uses 1).
        """
        if power < 0:
            raise FieldmarkError(f"power is {power}; give 0 (the highest scores) or more")
        value = committee_scores(score, pool, rng, members=members, source=source, dropout=dropout)
        if power:  # the highest of log odds plus Gumbel noise are a draw without replacement
            with np.errstate(divide="ignore"):  # a score of 0 is drawn last
                odds = power * np.log(np.maximum(value, 0))
            value = (odds + rng.gumbel(size=len(value))).astype(np.float32)
        return best(value, pool.unlabelled, n, rng)

    return strategy


def committee_scores(
    score: Callable[[scores.Probs], NDArray[np.float32]],
    pool: Pool,
    rng: np.random.Generator,
    *,
    members: int = 10,
    source: str = "bootstrap",
    dropout: float = 0.5,
) -> NDArray[np.float32]:
    """`score` of the pool's committee, or of one made here: float32 [N], 0 where labelled.

    See `by_committee` for the arguments.
    """
    _check(members, source, dropout)
    if pool.committee is not None:
        return score(pool.committee)
    candidates = pool.unlabelled
    made = committee(pool, members, rng, source=source, dropout=dropout)
    value = np.zeros(len(pool), dtype=np.float32)
    value[candidates] = _streamed(score, made, pool.embeddings, candidates)
    return value


def committee(
    pool: Pool,
    members: int,
    rng: np.random.Generator,
    *,
    source: str = "bootstrap",
    dropout: float = 0.5,
) -> list[Member]:
    """A committee of one head; see `by_committee` for the arguments.

    A bootstrap sample that misses a class gives a member that gives the class probability 0.

    Raises:
        FieldmarkError: arguments outside what is allowed, or no labels to learn from.
    """
    need_embeddings(pool)
    columns = need_probs(pool).shape[1]
    _check(members, source, dropout)
    if source == "bootstrap":
        return _bootstrap(pool, members, columns, rng)
    return _dropout(pool, members, columns, rng, share=dropout)


def _check(members: int, source: str, dropout: float) -> None:
    problems = [] if members >= 2 else [f"members is {members}; a committee has 2 or more"]
    if source not in ("bootstrap", "dropout"):
        problems.append(f"source is {source!r}; allowed: bootstrap, dropout")
    if not 0 < dropout < 1:
        problems.append(f"dropout is {dropout}; it is a share, above 0 and below 1")
    if problems:
        raise FieldmarkError.from_problems("no committee can be made:", problems)


def _bootstrap(pool: Pool, members: int, columns: int, rng: np.random.Generator) -> list[Member]:
    taught = pool.taught
    if not len(taught):
        raise FieldmarkError(
            "a committee learns from labels, and the pool has none: label some items first, or "
            "set Pool.committee, float32 [M, N, C], from an ensemble or dropout passes"
        )
    samples = rng.choice(taught, size=(members, len(taught)))
    heads = [fit_linear(pool.embeddings[rows], pool.labels[rows]) for rows in samples]
    return [partial(head.predict, n_classes=columns) for head in heads]


def _dropout(
    pool: Pool, members: int, columns: int, rng: np.random.Generator, *, share: float
) -> list[Member]:
    head = head_of(pool)
    keep = rng.random((members, pool.embeddings.shape[1])) >= share
    masks = keep.astype(np.float32) / np.float32(1 - share)

    def member(rows: NDArray[np.float32], *, mask: NDArray[np.float32]) -> scores.Probs:
        return head.predict(rows * mask, columns)

    return [partial(member, mask=mask) for mask in masks]


def _streamed(
    score: Callable[[scores.Probs], NDArray[np.float32]],
    members: list[Member],
    embeddings: NDArray[np.float32],
    rows: NDArray[np.intp],
) -> NDArray[np.float32]:
    """The score of these rows: float32 [len(rows)]."""
    columns = members[0](embeddings[:1]).shape[1]
    size = max(1, _BLOCK_VALUES // (len(members) * columns))
    out = np.empty(len(rows), dtype=np.float32)
    for start in range(0, len(rows), size):
        block = embeddings[rows[start : start + size]]
        out[start : start + size] = score(np.stack([member(block) for member in members]))
    return out
