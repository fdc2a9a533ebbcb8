"""The one exception that users see: what was given, what is allowed, what to do next."""

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from numbers import Integral, Real
from typing import cast, get_origin


class FieldmarkError(Exception):
    """A problem the user can act on. Entry points print it without a traceback and exit 1."""

    @classmethod
    def from_problems(cls, heading: str, problems: Sequence[str]) -> "FieldmarkError":
        """One error for many problems, so that a user mends them all in one go."""
        return cls("\n".join([heading, *(f"  - {problem}" for problem in problems)]))


def refuse(heading: str, problems: Iterable[str | None]) -> None:
    """Raise `FieldmarkError.from_problems` where there are any; None is no problem."""
    if found := [problem for problem in problems if problem]:
        raise FieldmarkError.from_problems(heading, found)


def wrong_value(
    name: str, value: object, kind: object, *, least: float | None = None, most: float | None = None
) -> str | None:
    """What is wrong with a value, by its type and range; None where nothing is.

    Args:
        name: of the value.
        value: NumPy's numbers serve as well as Python's.
        kind: bool, int, float, str or Mapping; for anything else every value is right. A float is
            finite.
        least, most: of a number, where there are limits.
    """
    truth = isinstance(value, bool)
    right, wanted = {
        bool: (truth, "True or False"),
        int: (isinstance(value, Integral) and not truth, "a whole number"),
        float: (isinstance(value, Real) and not truth and isfinite(value), "a finite number"),
        str: (isinstance(value, str), "a name"),
        Mapping: (isinstance(value, Mapping), "values by name"),
    }.get(get_origin(kind) or kind, (True, ""))  # type: ignore[call-overload]
    number = cast(float, value)
    if right and least is not None and (number < least or (most is not None and number > most)):
        right, wanted = False, f"{least} or more" if most is None else f"{least} to {most}"
    return None if right else f"{name} is {value!r}; give {wanted}"
