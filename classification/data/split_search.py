"""Three ways to split: best of random draws, smallest class first, and local search.

All return an int8 array [U] of 0, 1 or 2 (train, val, test) per unit, and all are deterministic
for a given generator.
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
        scores, short = _batch_scores(problem, batch, shortfall=keep_need)
        scores[short] = np.inf
        winner = int(scores.argmin())
        if scores[winner] < best_score:
            best, best_score = batch[winner].copy(), scores[winner]
    return best


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


def _batch_scores(
    problem: SplitProblem, splits: np.ndarray, *, shortfall: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Score of each of B splits, float64 [B], and whether it breaks a guarantee, bool [B]."""
    # Single precision halves the time of the products; it orders the draws, no more.
    features = problem.features.astype(np.float32)
    target = np.outer(problem.fractions, problem.features.sum(axis=0)).astype(np.float32)
    scores = np.zeros(len(splits))
    short = np.zeros(len(splits), dtype=bool)
    for s in range(3):
        got = (splits == s).astype(np.float32) @ features
        scores += ((got - target[s]) ** 2).sum(axis=1)
        if shortfall:
            scale = features.sum(axis=0) / np.maximum(problem.counts.sum(axis=0), 1)
            short |= (got < (problem.need[s] - 0.5) * scale).any(axis=1)
    return scores, short
