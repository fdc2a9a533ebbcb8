"""What a strategy is: a function, or an object of a subclass of `BaseSampler`."""

from abc import ABC, abstractmethod
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from classification.query.pool import Pool


class Strategy(Protocol):
    """n positions into the pool, best first: unique, none labelled.

    The same generator state gives the same positions. Keyword-only parameters with defaults are
    the strategy's options.
    """

    def __call__(self, pool: Pool, n: int, rng: np.random.Generator, /) -> NDArray[np.intp]:
        """Choose `n` of the unlabelled items of `pool`; ``1 <= n <= len(pool.unlabelled)``."""
        ...


class BaseSampler(ABC):
    """A strategy with parameters or state of its own: subclass it and give `sample`."""

    @abstractmethod
    def sample(self, pool: Pool, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
        """`n` positions of unlabelled items, best first, unique."""

    def __call__(self, pool: Pool, n: int, rng: np.random.Generator, /) -> NDArray[np.intp]:
        """`sample`, so that an object serves wherever a function does."""
        return self.sample(pool, n, rng)
