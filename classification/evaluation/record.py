"""What a run left in its folder, read for the report. Anything but ``metrics.json`` may be gone."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classification.errors import FieldmarkError
from classification.files import read_json
from classification.paths import RoundPaths, RunPaths

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """A run's completed rounds and the tables of the last round that has them."""

    name: str
    """Experiment, as ``<model>/<experiment>``."""
    rounds: list[dict[str, Any]]
    """``metrics.json`` of each completed round, in order."""
    train: "pd.DataFrame | None"
    query: "pd.DataFrame | None"
    query_round: int
    """The round that wrote `query`; -1 without one."""
    predictions: "pd.DataFrame | None"
    """Of val and test (`schemas.PredictionTable`); label is None where unknown."""
    queries: "dict[int, pd.DataFrame]"
    """What each round asked for (`schemas.QueryTable`)."""
    model: dict[str, Any]
    provenance: dict[str, Any]
    config: str
    """The text of ``config.yml``."""


def read_run(run_dir: Path) -> RunRecord:
    """Read a run folder.

    Raises:
        FieldmarkError: no round is complete, or a file is damaged.
    """
    from classification.schemas import QueryTable, TrainTable, read_csv

    run = RunPaths(run_dir)
    complete = [run.round(number) for number in run.complete_rounds()]
    if not complete:
        raise FieldmarkError(
            f"no completed round in {run.rounds}: a report needs at least one "
            "rounds/NN/metrics.json. Run training on this folder first."
        )
    train = _last(complete, "train")
    queries = {
        paths.number: read_csv(paths.query, QueryTable, what="query")
        for paths in complete
        if paths.query.is_file()
    }
    predictions = _last(complete, "predictions")
    config = _last(complete, "config")
    resolved = run_dir.resolve()
    return RunRecord(
        name=f"{resolved.parent.name}/{resolved.name}",
        rounds=[read_json(paths.metrics, what="metrics") for paths in complete],
        train=read_csv(train, TrainTable, what="training table") if train else None,
        query=queries[max(queries)] if queries else None,
        query_round=max(queries, default=-1),
        queries=queries,
        predictions=_read_predictions(predictions) if predictions else None,
        model=_read_record(_last(complete, "model"), what="model record"),
        provenance=_read_record(_last(complete, "provenance"), what="provenance"),
        config=(config or run.config).read_text("utf-8") if config or run.config.is_file() else "",
    )


def _last(rounds: list[RoundPaths], file: str) -> Path | None:
    """The named file of the last round that has it."""
    found = [path for r in rounds if (path := getattr(r, file)).is_file()]
    return found[-1] if found else None


def _read_record(path: Path | None, *, what: str) -> dict[str, Any]:
    return read_json(path, what=what) if path else {}


def _read_predictions(path: Path) -> "pd.DataFrame":
    import pandas as pd

    try:
        return pd.read_parquet(path, filters=[("split", "in", ["val", "test"])])
    except (OSError, ValueError) as error:  # pyarrow's errors are both
        raise FieldmarkError(f"predictions cannot be read: {path}: {error}") from error
