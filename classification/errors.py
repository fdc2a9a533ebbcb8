"""The one exception that users see: what was given, what is allowed, what to do next."""

from collections.abc import Mapping, Sequence
from math import isfinite
from numbers import Integral, Real
from typing import get_origin


class FieldmarkError(Exception):
    """A problem the user can act on. Entry points print it without a traceback and exit 1."""

    @classmethod
    def from_problems(cls, heading: str, problems: Sequence[str]) -> "FieldmarkError":
        """One error for many problems, so that a user mends them all in one go."""
        return cls("\n".join([heading, *(f"  - {problem}" for problem in problems)]))


def wrong_kind(name: str, value: object, kind: object) -> str | None:
    """What is wrong with the type of a value, None where nothing is.

    Args:
        name: of the value.
        value: NumPy's numbers serve as well as Python's.
        kind: bool, int, float, str or Mapping; for anything else every value is right. A float is
            finite.
    """
    truth = isinstance(value, bool)
    right, wanted = {
        bool: (truth, "True or False"),
        int: (isinstance(value, Integral) and not truth, "a whole number"),
        float: (isinstance(value, Real) and not truth and isfinite(value), "a finite number"),
        str: (isinstance(value, str), "a name"),
        Mapping: (isinstance(value, Mapping), "values by name"),
    }.get(get_origin(kind) or kind, (True, ""))  # type: ignore[call-overload]
    return None if right else f"{name} is {value!r}; give {wanted}"
