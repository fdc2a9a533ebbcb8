"""Options of what reads comparisons and experiments."""

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


@dataclass(frozen=True, kw_only=True)
class ExtractOptions:
    """Learning curves of experiments that belong together, on the test images."""

    model: str = field(default="SqueezeNet11", metadata={"short": "m"})
    """Model of the experiments, as it was named to experiment.py."""
    folder_prefix: str = field(default="generalization", metadata={"short": "fp"})
    """How the names of their folders begin."""
    curve_label: str = field(default="query_strategy", metadata={"short": "c"})
    """Option that tells the curves apart, such as query_strategy, dataset, pretrained or data_aug;
    experiments that agree in it and in the dataset are averaged."""
    save_path: Path = field(default=Path("accuracy_curve"), metadata={"short": "s"})
    """File of the figure, in the folder of the experiments unless it names one; without a suffix,
    a PNG."""
    experiments: Path = Path("runs/experiments")
    """Where experiments have their folders."""
