"""In which order to show images: a dict literal of rules over the shared state."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from classification.app.marks import UNKNOWN
from classification.app.selections import SELECTIONS, Numbers, Wish
from classification.app.state import AppState
from classification.errors import FieldmarkError
from classification.query import STRATEGIES, Pool
from classification.query.distances import for_blocks, inverse_lengths
from classification.query.ranking import best
from classification.query.scores import entropy, margin, of_class

_SPREAD_OVER, _TYPICAL_OVER = 8_000, 2_000
"""Items that BADGE and TypiClust choose among, drawn at random from more."""
_BATCH = 100  # items those two put in order; the rest follows at random


@dataclass(frozen=True, kw_only=True)
class Order:
    """A way to put items in order.

    Attributes:
        title: for people.
        sort: the same numbers, first to be shown first.
        needs: "probs", "embeddings", "target" and "anchor", where it uses them.
    """

    title: str
    sort: Callable[[AppState, Wish, Numbers, np.random.Generator], Numbers]
    needs: tuple[str, ...] = ()


def arrange(state: AppState, wish: Wish, rng: np.random.Generator) -> Numbers:
    """Numbers of the items wished for, in the order wished for.

    Raises:
        FieldmarkError: an unknown selection or order, or one that needs what there is not.
    """
    selection, order = _of(SELECTIONS, wish.which), _of(ORDERS, wish.order)
    _require(state, wish, ("target",) if selection.of_class else (), selection.title)
    _require(state, wish, order.needs, order.title)
    with state.lock:
        found = selection.find(state, wish)
    if wish.split:
        found = found[state.items.split[found] == wish.split]
    return order.sort(state, wish, found, rng) if len(found) else found


def ready(state: AppState) -> list[str]:
    """Keys of the orders that can be used now."""
    has = {"probs": state.probs is not None, "embeddings": state.embeddings is not None}
    return [k for k, order in ORDERS.items() if all(has.get(n, True) for n in order.needs)]


def _of(registry: dict, name: str):
    if name not in registry:
        raise FieldmarkError(f"{name!r} is none of: {', '.join(registry)}")
    return registry[name]


def _require(state: AppState, wish: Wish, needs: Sequence[str], title: str) -> None:
    missing = {
        "probs": (state.probs is None, "a model: train one, or play a round"),
        "embeddings": (state.embeddings is None, "embeddings: play a round of the run"),
        "target": (not 0 <= wish.target < len(state.classes), "a class: choose one"),
        "anchor": (not 0 <= wish.anchor < len(state), "an image to start from"),
    }
    for need in needs:
        if missing[need][0]:
            raise FieldmarkError(f"{title} needs {missing[need][1]}")


def _as_given(_: AppState, __: Wish, found: Numbers, ___: np.random.Generator) -> Numbers:
    return found


def _random(_: AppState, __: Wish, found: Numbers, rng: np.random.Generator) -> Numbers:
    return rng.permutation(found)


def _by_score(score: Callable[[AppState, Wish, Numbers], NDArray[np.float32]]):
    """The highest score first, equal ones at random."""

    def sort(state: AppState, wish: Wish, found: Numbers, rng: np.random.Generator) -> Numbers:
        values = score(state, wish, found)
        return found[best(values, np.arange(len(found)), len(found), rng)]

    return sort


def _entropy(state: AppState, _: Wish, found: Numbers) -> NDArray[np.float32]:
    if not state.several:
        return entropy(_softmax_rows(state, found))
    probs = _probs(state)[found]
    each = [of_class(c, wanted="entropy")(probs) for c in range(probs.shape[1])]
    return np.sum(np.stack(each), axis=0)


def _margin(state: AppState, _: Wish, found: Numbers) -> NDArray[np.float32]:
    return margin(_softmax_rows(state, found))


def _of_class(wanted: str, state: AppState, wish: Wish, found: Numbers) -> NDArray[np.float32]:
    return of_class(wish.target, wanted=wanted)(_probs(state)[found])


def _by_strategy(name: str, over: int):
    """The batch a strategy would ask for, then the rest at random."""

    def sort(state: AppState, _: Wish, found: Numbers, rng: np.random.Generator) -> Numbers:
        shuffled = rng.permutation(found)
        rows = np.sort(shuffled[:over])
        pool = _pool(state, rows, rng)
        free = len(rows)
        picks = STRATEGIES[name](pool, min(_BATCH, free), rng)
        first = rows[picks]
        return np.concatenate([first, shuffled[~np.isin(shuffled, first)]])

    return sort


def _pool(state: AppState, rows: Numbers, rng: np.random.Generator) -> Pool:
    """`rows` to choose from, and behind them up to 1,000 labelled items to keep away from."""
    taught = np.setdiff1d(np.flatnonzero(state.marks.labels != UNKNOWN), rows)
    both = np.concatenate([rows, rng.permutation(taught)[:1_000]])
    embeddings = state.embeddings
    assert embeddings is not None  # `arrange` has checked
    labelled = np.arange(len(both)) >= len(rows)
    return Pool(
        embeddings=np.asarray(embeddings[both], dtype=np.float32),
        probs=None if state.probs is None else _softmax_rows(state, both),
        labelled=labelled,
        labels=np.where(labelled, state.marks.labels[both], UNKNOWN),
    )


def _likeness(state: AppState, wish: Wish, found: Numbers) -> NDArray[np.float32]:
    """Cosine to the anchor, which comes first where it is among them."""
    rows = state.embeddings
    assert rows is not None  # `arrange` has checked
    anchor = np.asarray(rows[wish.anchor], dtype=np.float32)
    out = np.empty(len(found), dtype=np.float32)

    def compare(block: slice) -> None:
        x = np.asarray(rows[found[block]], dtype=np.float32)
        out[block] = (x @ anchor) * inverse_lengths(x)

    for_blocks(compare, len(found))
    out[found == wish.anchor] = np.inf
    return out


def _probs(state: AppState) -> NDArray[np.float32]:
    assert state.probs is not None  # `arrange` has checked
    return state.probs


def _softmax_rows(state: AppState, rows: Numbers) -> NDArray[np.float32]:
    """Scores whose rows sum to one, as strategies expect; those of sigmoids are scaled."""
    probs = _probs(state)[rows]
    sums = probs.sum(axis=1, keepdims=True)
    return np.where(sums > 0, probs / np.maximum(sums, 1e-12), 1 / probs.shape[1])


_MODEL, _CLASS = ("probs",), ("probs", "target")
ORDERS: dict[str, Order] = {
    "given": Order(title="as they stand", sort=_as_given),
    "random": Order(title="random", sort=_random),
    "entropy": Order(title="max entropy", sort=_by_score(_entropy), needs=_MODEL),
    "margin": Order(title="smallest margin", sort=_by_score(_margin), needs=_MODEL),
    **{
        f"class_{wanted}": Order(
            title=title, sort=_by_score(partial(_of_class, wanted)), needs=_CLASS
        )
        for wanted, title in (
            ("entropy", "max entropy of the class"),
            ("high", "high score of the class"),
            ("low", "low score of the class"),
        )
    },
    "badge": Order(
        title="BADGE: unsure and diverse",
        sort=_by_strategy("badge", _SPREAD_OVER),
        needs=("probs", "embeddings"),
    ),
    "typical": Order(
        title="typicality", sort=_by_strategy("typiclust", _TYPICAL_OVER), needs=("embeddings",)
    ),
    "nearest": Order(
        title="nearest to this one", sort=_by_score(_likeness), needs=("embeddings", "anchor")
    ),
}
