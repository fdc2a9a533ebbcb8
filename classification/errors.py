"""The one exception that users see: what was given, what is allowed, what to do next."""

from collections.abc import Sequence


class FieldmarkError(Exception):
    """A problem the user can act on. Entry points print it without a traceback and exit 1."""

    @classmethod
    def from_problems(cls, heading: str, problems: Sequence[str]) -> "FieldmarkError":
        """One error for many problems, so that a user mends them all in one go."""
        return cls("\n".join([heading, *(f"  - {problem}" for problem in problems)]))
