"""`Plotter`: the trainings of an `ActiveLearningComparison` in pictures, from Python.

plot = Plotter()
plot.get_plots_from_file(runner.q_names, runner.save_loc + "/val-results.json").show()
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from classification.comparison.drawn import Drawn
from classification.comparison.validation_figures import training_curves
from classification.errors import FieldmarkError
from classification.files import read_json

Trainings = dict[str, list[dict[str, Any]]]


class Plotter:
    """Loss, training and test accuracy by epoch of the trainings in ``val-results.json``."""

    def get_plots_from_file(
        self, types: Sequence[str], file_loc: str | Path, eps_interval: int | None = None
    ) -> Drawn:
        """All trainings of the strategies `types`, with their means.

        Args:
            types: names of strategies, seven at most.
            file_loc: ``val-results.json``, written by `run_validation`.
            eps_interval: epochs between two entries; None: as the file says.

        Raises:
            FieldmarkError: no such file, or strategies that are not in it.
        """
        return self.get_plots_from_multiple_files([types], [file_loc], eps_interval)

    def get_plots_from_multiple_files(
        self,
        types: Sequence[Sequence[str]],
        files: Sequence[str | Path],
        eps_interval: int | None = None,
    ) -> Drawn:
        """Strategies of several comparisons in one figure.

        Args:
            types: names of strategies wanted from each file, seven at most in all.
            files: one for each of `types`. A name that is wanted from two files is shown with its
                folder.
            eps_interval: as above.

        Raises:
            FieldmarkError: a missing file or strategy, or trainings on other images.
        """
        if len(types) != len(files):
            raise FieldmarkError(
                f"{len(types)} lists of strategies for {len(files)} files; give one for each file"
            )
        records = [read_validation(Path(file)) for file in files]
        _require_one_task(records, files)
        wanted = [name for names in types for name in names]
        trainings: Trainings = {}
        for names, record, file in zip(types, records, files, strict=True):
            for name in names:
                title = f"{name} {Path(file).parent.name}" if wanted.count(name) > 1 else name
                trainings[title] = _runs(record, name, Path(file))
        return Drawn(training_curves(_apart(trainings, eps_interval)))

    def get_plots_from_multiple_files_joined(
        self,
        types: Sequence[str],
        files: Sequence[str | Path],
        eps_interval: int | None = None,
    ) -> Drawn:
        """Trainings of the same strategies from several files, as if they were in one.

        Raises:
            FieldmarkError: a missing file or strategy, or trainings on other images.
        """
        records = [read_validation(Path(file)) for file in files]
        _require_one_task(records, files)
        pairs = list(zip(records, files, strict=True))
        joined = {
            name: [run for record, file in pairs for run in _runs(record, name, Path(file))]
            for name in types
        }
        return Drawn(training_curves(_apart(joined, eps_interval)))


def read_validation(path: Path) -> dict[str, Any]:
    """The record of `run_validation`.

    Raises:
        FieldmarkError: there is none, or it is of another kind.
    """
    record = read_json(path, what="record of validation runs (run_validation writes it)")
    if not isinstance(record, Mapping) or not isinstance(record.get("runs"), list):
        raise FieldmarkError(f"{path} is not a record of validation runs")
    return dict(record)


def _runs(record: Mapping[str, Any], name: str, path: Path) -> list[dict[str, Any]]:
    """Trainings on the newest labels of a strategy."""
    runs = [run for run in record["runs"] if run["strategy"] == name]
    if not runs:
        known = sorted({run["strategy"] for run in record["runs"]})
        raise FieldmarkError(f"{path} has no strategy {name!r}; there are: {', '.join(known)}")
    newest = max(run["round"] for run in runs)
    return [run for run in runs if run["round"] == newest]


def _require_one_task(records: Sequence[Mapping[str, Any]], files: Sequence[str | Path]) -> None:
    tasks = {(record.get("task"), tuple(record.get("classes", ()))) for record in records}
    if len(tasks) > 1:
        raise FieldmarkError(
            f"{', '.join(map(str, files))} are of other images or classes and do not compare"
        )


def _apart(trainings: Trainings, interval: int | None) -> Trainings:
    """The trainings with epochs counted anew, `interval` between two entries."""
    if interval is None:
        return trainings
    return {
        name: [
            {**run, "epochs": [{**e, "epoch": interval * i} for i, e in enumerate(run["epochs"])]}
            for run in runs
        ]
        for name, runs in trainings.items()
    }
