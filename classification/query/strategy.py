"""What a strategy is: a function, or an object of a subclass of `BaseSampler`."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from classification.errors import FieldmarkError, refuse, wrong_value
from classification.query.pool import Pool


class Strategy(Protocol):
    """n positions into the pool, best first: unique, none labelled.

    The same generator state gives the same positions. Keyword-only parameters are the strategy's
    options; one without a default must be given.
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


def check_options(owner: str, function: Callable[..., Any], options: Mapping[str, Any]) -> None:
    """Refuse options that are no keyword-only parameters of `function`, and those of another type.

    Args:
        owner: whose options they are, for the message: ``strategy 'kcenter'``.
        function: what they are for; with ``**`` parameters it takes any. Values are checked where
            a parameter is annotated as bool, int, float, str or Mapping.
        options: by name.

    Raises:
        FieldmarkError: the unknown ones, and those there are; values of another type; one that is
            missing and has no default.
    """
    parameters = inspect.signature(function).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return
    known = {p.name: p for p in parameters if p.kind is p.KEYWORD_ONLY}
    unknown = sorted(options.keys() - known.keys())
    if unknown:
        raise FieldmarkError(
            f"{owner} has no option {', '.join(map(repr, unknown))}; "
            f"allowed: {', '.join(known) or 'none'}"
        )
    problems = [wrong_value(k, value, known[k].annotation) for k, value in options.items()]
    problems += [
        f"{k} is missing and has no default"
        for k, p in known.items()
        if p.default is p.empty and k not in options
    ]
    refuse(f"{owner} cannot use these options:", problems)
