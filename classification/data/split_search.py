"""Ways to split without guarantees (random draws, smallest class first), and all splits there are.

Each returns an int8 array [U] of 0, 1 or 2 (train, val, test) per unit and is deterministic for a
given generator.
"""

import numpy as np

from classification.data.split_problem import TEST, TRAIN, VAL, SplitProblem

_JITTER = 0.03  # of MegaDetector's draws: how far the number of locations may be off its target
_BATCH = 1_000


def random_search(
    problem: SplitProblem, rng: np.random.Generator, *, draws: int = 10_000, keep_need: bool = False
) -> np.ndarray | None:
    """The draw with the lowest score, as MegaDetector and animl-ml split.

    Args:
        problem: what to split.
        rng: source of the draws.
        draws: how many splits to try.
        keep_need: look only among draws that meet all guarantees.

    Returns:
        int8 [U]; None when `keep_need` is set and no draw qualifies.
    """
    best, best_score = None, np.inf
    for start in range(0, draws, _BATCH):
        batch = _draw(problem, rng, min(_BATCH, draws - start))
        scores, shortfalls = _batch_ranks(problem, batch)
        if keep_need:
            scores[shortfalls > 0] = np.inf
        winner = int(scores.argmin())
        if scores[winner] < best_score:
            best, best_score = batch[winner].copy(), scores[winner]
    return best


def best_of_all(problem: SplitProblem) -> np.ndarray:
    """The split with the least shortfall and then the lowest score among all 3^U: int8 [U]."""
    units = len(problem.counts)
    every = np.indices((3,) * units, dtype=np.int8).reshape(units, -1).T
    every = every[problem.allowed[np.arange(units), every].all(axis=1)]
    scores, shortfalls = _batch_ranks(problem, every)
    return every[np.lexsort([scores, shortfalls.round(6)])[0]]


def smallest_first(problem: SplitProblem) -> np.ndarray:
    """Fill test, then val, then train of each class in turn, rarest class and smallest unit first.

    As MegaDetector's `smallest_first` was meant to work, except that a unit that is the last to
    show a class goes to train: a class that is only tested can never be learned.
    """
    crops = problem.counts[:, : problem.counts.shape[1] // 2]
    total = crops.sum(axis=0)
    split = np.where(problem.allowed.sum(axis=1) == 1, problem.allowed.argmax(axis=1), -1)
    trainable = ((split == TRAIN) | ((split < 0) & problem.allowed[:, TRAIN])) @ (crops > 0).astype(
        int
    )
    for label in np.argsort(total, kind="stable"):
        size = crops[:, label]
        units = np.flatnonzero((size > 0) & (split < 0))
        for unit in units[np.argsort(size[units], kind="stable")]:
            shown = crops[unit] > 0
            open_to = [
                s
                for s in (TEST, VAL)
                if problem.allowed[unit, s]
                and size[split == s].sum() < problem.fractions[s] * total[label]
            ]
            last = (trainable[shown] <= 1).any()
            split[unit] = TRAIN if last or not open_to else open_to[0]
            if split[unit] != TRAIN:
                trainable[shown] -= 1
    return split.astype(np.int8)


def _draw(problem: SplitProblem, rng: np.random.Generator, draws: int) -> np.ndarray:
    """Random splits whose numbers of units are near their targets: int8 [draws, U]."""
    units = len(problem.counts)
    train, val, test = problem.fractions
    jitter = rng.uniform(-_JITTER, _JITTER, size=(draws, 2))
    n_train = (units * (train + jitter[:, 0])).astype(int)
    n_val = (units * (val + jitter[:, 1])).astype(int) if test > 0 else units - n_train
    position = rng.permuted(np.tile(np.arange(units, dtype=np.int32), (draws, 1)), axis=1)
    split = (position >= n_train[:, None]).astype(np.int8)
    split += position >= (n_train + n_val)[:, None]
    return _allow(problem, split)


def _allow(problem: SplitProblem, split: np.ndarray) -> np.ndarray:
    """Send every unit that is where it may not be to the first split that it may go to."""
    ok = problem.allowed[np.arange(split.shape[-1]), split]
    return np.where(ok, split, problem.allowed.argmax(axis=1).astype(np.int8))


def _batch_ranks(problem: SplitProblem, splits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Score and shortfall of each of B splits: float64 [B] each.

    Single precision halves the time of the products; it orders the splits, no more. Counts stay
    exact up to 16 million crops of a class.
    """
    counts = problem.counts.astype(np.float32)
    totals, scale = counts.sum(axis=0), problem.scale.astype(np.float32)
    first, second = ((splits == s).astype(np.float32) @ counts for s in (TRAIN, VAL))
    scores, shortfalls = np.zeros(len(splits)), np.zeros(len(splits))
    for s, got in enumerate((first, second, totals - first - second)):
        target = (problem.fractions[s] * totals).astype(np.float32)
        scores += (((got - target) * scale) ** 2).sum(axis=1)
        shortfalls += np.maximum(problem.need[s] - got, 0.0) @ problem.weight[s]
    return scores, shortfalls
