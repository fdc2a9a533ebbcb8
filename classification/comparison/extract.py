"""Curves of many experiments out of their folders, as one figure."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classification.comparison.options import ExtractOptions
from classification.config_experiment import DATASETS, MODELS, ExperimentOptions
from classification.errors import FieldmarkError
from classification.files import read_json
from classification.paths import ComparisonPaths
from classification.schemas import ResultTable, check

if TYPE_CHECKING:
    import pandas as pd


def extract_results_plots(options: ExtractOptions) -> Path:
    """Draw the curves of a batch, print their ends; the file that was written.

    Raises:
        FieldmarkError: no such experiments, an unknown label, or experiments that do not compare.
    """
    from classification.comparison.experiment_figures import experiment_curves
    from classification.evaluation.render import save

    table = gather(options)
    path = Path(options.save_path)
    path = path if path.suffix else path.with_name(path.name + ".png")
    path = path if path.parent != Path() else options.experiments / path
    save(experiment_curves(table, label=options.curve_label), path)
    last = table.sort_values("num_labels").groupby(["dataset", "curve", "experiment"]).tail(1)
    ends = last.groupby(["dataset", "curve"])["accuracy"].agg(["mean", "count"])
    print(ends.rename(columns={"mean": "accuracy", "count": "experiments"}).to_string())
    print(path)
    return path


def gather(options: ExtractOptions) -> "pd.DataFrame":
    """Rounds of all experiments of a model whose folder begins with the prefix.

    Returns:
        experiment, dataset, curve (the value of the label), seed, num_labels, accuracy, split.

    Raises:
        FieldmarkError: as above.
    """
    import pandas as pd

    known = [item.name for item in fields(ExperimentOptions)]
    if options.curve_label not in known:
        raise FieldmarkError(
            f"curve label {options.curve_label!r} is no option of an experiment; there are: "
            f"{', '.join(known)}"
        )
    parts = [
        _rounds(folder, given, options.curve_label)
        for folder in sorted(options.experiments.glob(f"{options.folder_prefix}*"))
        if (given := _options(folder)) and _name(given["model"]) == _name(options.model)
    ]
    if not parts:
        raise FieldmarkError(
            f"no finished experiment with {options.model} in {options.experiments}, in a folder "
            f"that begins with {options.folder_prefix!r}: play one with "
            "classification/experiment.py"
        )
    table = pd.concat(parts, ignore_index=True)
    splits = table.groupby(["dataset", "seed", "model"])["split"].nunique()
    if (splits > 1).any():
        where = ", ".join(
            f"{dataset}, seed {seed}" for dataset, seed, _ in splits.index[splits > 1]
        )  # type: ignore[misc]
        raise FieldmarkError(f"these experiments divide the images differently: {where}")
    return table


def _options(folder: Path) -> Mapping[str, Any]:
    """What an experiment was asked for; empty where it has no result yet."""
    paths = ComparisonPaths(folder)
    if not paths.details.exists() or not paths.results.exists():
        return {}
    return read_json(paths.details, what="record of an experiment").get("options", {})


def _rounds(folder: Path, given: Mapping[str, Any], label: str) -> "pd.DataFrame":
    import pandas as pd

    paths = ComparisonPaths(folder)
    results = check(pd.read_parquet(paths.results), ResultTable, what=str(paths.results))
    dataset = given["dataset"]
    return results[["seed", "num_labels", "accuracy", "split", "model"]].assign(
        experiment=folder.name,
        dataset=DATASETS.get(dataset, Path(dataset).name),
        curve=str(given.get(label)),
    )


def _name(model: str) -> str:
    return MODELS.get(model, model)
