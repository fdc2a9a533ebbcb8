"""Options of the step scripts that read a comparison."""

from dataclasses import dataclass, field
from pathlib import Path

from classification.errors import FieldmarkError

RUNS = Path("runs/comparison")


@dataclass(frozen=True, kw_only=True)
class ComparisonRunOptions:
    """A comparison that was played."""

    run: str = field(metadata={"short": "r"})
    """Its run_id, or the path of its folder."""

    @property
    def folder(self) -> Path:
        """Folder of the comparison.

        Raises:
            FieldmarkError: there is none.
        """
        given = Path(self.run)
        found = next((path for path in (given, RUNS / given) if path.is_dir()), None)
        if found is None:
            raise FieldmarkError(f"no comparison {self.run!r}: neither {given} nor {RUNS / given}")
        return found
