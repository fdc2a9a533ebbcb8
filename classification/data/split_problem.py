"""What a split has to balance, as arrays, and how good a split is.

A *unit* is what must stay together (a camera location, or several that share a picture). A split
is an array with 0, 1 or 2 (train, val, test) for each unit.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

TRAIN, VAL, TEST = 0, 1, 2
_FIRST = np.array([0, 2, 1])  # a class with too few locations: train has it, then test, then val
_TRAIN_WEIGHT = 10.0  # a class that is never trained on is worse than one that is never tested


@dataclass(frozen=True, kw_only=True)
class SplitProblem:
    """Units, targets and limits; L classes.

    counts: float64 [U, 2L]; crops of each class in each unit, then locations that show the class.
    fractions: float64 [3], the share that train, val and test should get of every class.
    allowed: bool [U, 3], the splits that a unit may go to.
    minimum: crops and locations of each class that each split with a share should get.
    """

    counts: np.ndarray
    fractions: np.ndarray
    allowed: np.ndarray
    minimum: tuple[int, int] = (1, 1)

    @cached_property
    def wanted(self) -> np.ndarray:
        """What `minimum` asks for: float64 [3, 2L]."""
        per_class = np.repeat(np.array(self.minimum, float), self.counts.shape[1] // 2)
        return np.outer(self.fractions > 0, per_class)

    @cached_property
    def need(self) -> np.ndarray:
        """`wanted`, lowered where a class has too little for all splits: float64 [3, 2L]."""
        splits = int((self.fractions > 0).sum())
        rank = np.minimum(_FIRST, splits - 1)[:, None]
        fair = (self.counts.sum(axis=0)[None, :] - rank + splits - 1) // splits
        need = np.clip(fair, 0, self.wanted)
        locations = np.hsplit(fair, 2)[1]
        # A split that is to have no location of a class is to have no crops of it either.
        need[:, : locations.shape[1]] *= locations > 0
        return need

    @cached_property
    def weight(self) -> np.ndarray:
        """Cost of each missing crop or location: float64 [3, 2L]."""
        split = np.where(np.arange(3) == TRAIN, _TRAIN_WEIGHT, 1.0)[:, None]
        return split / np.maximum(self.need, 1.0)

    @cached_property
    def scale(self) -> np.ndarray:
        """What turns counts into shares of their class, crops weighted by sqrt(2): [2L]."""
        share = np.repeat([np.sqrt(2.0), 1.0], self.counts.shape[1] // 2)
        return share / np.maximum(self.counts.sum(axis=0), 1.0)

    @cached_property
    def features(self) -> np.ndarray:
        """Scaled counts; they make `score` a squared norm: float64 [U, 2L]."""
        return self.counts * self.scale

    @cached_property
    def sparse(self) -> csr_array:
        """`features`, most of which are 0: one location shows few species."""
        return csr_array(self.features)

    def have(self, split: np.ndarray) -> np.ndarray:
        """What each split got of each class: float64 [3, 2L]."""
        return np.stack([self.counts[split == s].sum(axis=0) for s in range(3)])

    def residual(self, split: np.ndarray) -> np.ndarray:
        """What each split got above its target, in the units of `features`: [3, 2L]."""
        got = np.stack([self.features[split == s].sum(axis=0) for s in range(3)])
        return got - np.outer(self.fractions, self.features.sum(axis=0))

    def score(self, split: np.ndarray) -> float:
        """MegaDetector's and animl-ml's score; 0 is perfect.

        The sum over splits and classes of ``2 * (crops_split / crops - fraction)^2 +
        (locations_split / locations - fraction)^2``. It equals the squared norm of `residual`.
        animl-ml also adds the distance between class distributions, which this one bounds.
        """
        return float((self.residual(split) ** 2).sum())

    def shortfall(self, have: np.ndarray) -> float:
        """Weighted sum of what is missing to `need`; 0 when all guarantees hold."""
        return float((np.maximum(self.need - have, 0.0) * self.weight).sum())
