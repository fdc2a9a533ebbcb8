"""A pool as strategies expect it: the documented types, and no numbers that lead astray."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from classification.errors import FieldmarkError
from classification.query.pool import Head, Pool

# Softmax rows summed in float32 over 1,000 classes stay well within this.
_SUM_TOLERANCE = 1e-3
_BLOCK = 65_536  # rows checked at a time
_LONGEST = 1e9  # products of two squared lengths of longer rows leave the range of float32

_ARRAYS = {
    "labelled": ("[N]", np.bool_),
    "embeddings": ("[N, D]", np.float32),
    "probs": ("[N, C]", np.float32),
    "labels": ("[N]", np.int64),
    "groups": ("[N]", np.int64),
    "locations": ("[N]", np.int64),
    "committee": ("[M, N, C]", np.float32),
}
_CONVERTED = {np.bool_: "b", np.float32: "fiu", np.int64: "iu"}  # kinds of types that serve, too


def checked(pool: Pool) -> Pool:
    """The pool with arrays of the documented types, none of which would lead a strategy astray.

    Numbers of another type (float64, float16, integers for floats, lists) are converted, which
    copies them.

    Raises:
        FieldmarkError: arrays of other shapes, or of no such numbers; NaN, infinity or rows too
            long to be measured; probabilities that do not sum to one; labels that are none of their
            columns; a head of other embeddings or classes. The first rows at fault are named.
    """
    pool, problems = _converted(pool)
    problems = problems or _wrong_shapes(pool) or _wrong_values(pool)
    if problems:
        raise FieldmarkError.from_problems("the pool cannot be queried:", problems)
    return pool


def _converted(pool: Pool) -> tuple[Pool, list[str]]:
    """The pool with arrays of the documented types, and which cannot be converted."""
    found, problems = {}, []
    for name, (_, wanted) in _ARRAYS.items():
        if (given := getattr(pool, name)) is None:
            continue
        array = np.asarray(given)
        if array.size and array.dtype.kind not in _CONVERTED[wanted]:
            problems.append(f"{name} is {array.dtype}; give {np.dtype(wanted)}")
        elif array is not given or array.dtype != wanted:
            with np.errstate(over="ignore"):  # becomes infinite, and is named as such
                found[name] = np.asarray(array, dtype=wanted)
    return (replace(pool, **found) if found and not problems else pool), problems


def _wrong_shapes(pool: Pool) -> list[str]:
    n, problems = pool.labelled.size, []
    for name, (shape, _) in _ARRAYS.items():
        array = getattr(pool, name)
        axis = int(name == "committee")  # along which the items lie
        if array is None:
            continue
        if array.ndim != shape.count(",") + 1 or (n and axis and not array.size):
            problems.append(f"{name} has shape {array.shape}; it must be {shape}")
        elif array.shape[axis] != n:
            problems.append(f"{name} has {array.shape[axis]} rows, labelled has {n}")
    return problems


def _wrong_values(pool: Pool) -> list[str]:
    too_long = f"hold NaN or infinity, or are longer than {_LONGEST:g}"
    problems = _bad_rows("embeddings", ~_measurable(pool.embeddings), what=too_long)
    problems += _bad_rows("labels", pool.labels < -1, what="are below -1")
    if pool.probs is not None:
        problems += _bad_probs("probs", pool.probs)
        strange = pool.labelled & (pool.labels >= pool.probs.shape[1])
        what = f"have a class id that is no column of probs, 0 to {pool.probs.shape[1] - 1}"
        problems += _bad_rows("labels", strange, what=what)
    for member, probs in enumerate(() if pool.committee is None else pool.committee):
        problems += _bad_probs(f"committee[{member}]", probs)
    return problems + _bad_head(pool)


def _bad_head(pool: Pool) -> list[str]:
    """What keeps the head from having made `probs` of `embeddings`."""
    if pool.head is None:
        return []
    if pool.probs is None:
        return ["head is set and probs is not; give head.predict(embeddings, number of classes)"]
    problems, width, columns = [], pool.embeddings.shape[1], pool.probs.shape[1]
    mean, classes = (_vector(pool.head, name) for name in ("mean", "classes"))
    if mean is not None and len(mean) != width:
        problems.append(
            f"head was fitted to embeddings of {len(mean)} columns, these have {width}; give the "
            "embeddings that it was fitted to, or no head"
        )
    if classes is not None and classes.max(initial=0) >= columns:
        problems.append(f"head knows class ids up to {classes.max()}, probs has {columns} columns")
    return problems


def _vector(head: Head, name: str) -> NDArray[np.number] | None:
    """A row of numbers that heads of this package hold; those of others need not."""
    value = getattr(head, name, None)
    known = isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind in "iuf"
    return value if known else None


def _measurable(rows: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Rows without NaN or infinity, and no longer than can be squared twice: bool [N]."""
    out = np.empty(len(rows), dtype=bool)
    with np.errstate(over="ignore"):
        for start in range(0, len(rows), _BLOCK):
            block = rows[start : start + _BLOCK]
            out[start : start + _BLOCK] = np.einsum("nd,nd->n", block, block) <= _LONGEST**2
    return out


def _bad_probs(name: str, probs: NDArray[np.float32]) -> list[str]:
    with np.errstate(invalid="ignore"):  # infinity less infinity
        sums = probs.sum(axis=1)
    finite = np.isfinite(sums)
    problems = _bad_rows(name, ~finite)
    if not probs.min(initial=0) >= 0:  # a twentieth of the time of a minimum per row
        negative = finite & (probs.min(axis=1, initial=0) < 0)
        problems += _bad_rows(name, negative, what="are negative")
    off = finite & (np.abs(sums - 1) > _SUM_TOLERANCE)
    return problems + _bad_rows(name, off, what="do not sum to one")


def _bad_rows(
    name: str, bad: NDArray[np.bool_], *, what: str = "hold NaN or infinity"
) -> list[str]:
    rows = np.flatnonzero(bad)
    if not len(rows):
        return []
    shown = ", ".join(map(str, rows[:5])) + (", ..." if len(rows) > 5 else "")
    return [f"{name}: {len(rows)} rows {what}: {shown}"]
