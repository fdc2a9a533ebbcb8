"""Pandera models of every table that crosses a step.

A table that breaks its model is reported whole (all columns, all rows), never row by row. Extra
columns are allowed and kept.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import pandera.pandas as pa
from pandera.typing import Series

from classification.errors import FieldmarkError

if TYPE_CHECKING:
    import pandas as pd


class _Table(pa.DataFrameModel):
    class Config(pa.DataFrameModel.Config):
        coerce = True
        strict = False


class SourceTable(_Table):
    """``sources.csv``: where each image is published; further ``url...`` columns are mirrors."""

    file_name: Series[str] = pa.Field(unique=True)  # relative to the images folder
    url_1: Series[str]


class DroppedTable(_Table):
    """``dropped.csv``: every item that cleaning left out, and why."""

    kind: Series[str] = pa.Field(isin=["image", "annotation", "category"])
    id: Series[str]
    dataset: Series[str]
    reason: Series[str]
    detail: Series[str] = pa.Field(nullable=True)


class CropTable(_Table):
    """``crops.csv``: one row per annotation, crops and rejects alike."""

    path: Series[str] = pa.Field(nullable=True)  # relative to crops/; empty for a reject
    image_id: Series[str]
    annotation_id: Series[str]
    status: Series[str] = pa.Field(isin=["crop", "whole", "reject"])
    reason: Series[str] = pa.Field(nullable=True)  # code of a reject
    source: Series[str]  # image file, relative to the images folder
    source_width: Series[float] = pa.Field(nullable=True)  # pixels after EXIF rotation
    source_height: Series[float] = pa.Field(nullable=True)
    width: Series[float] = pa.Field(nullable=True)  # pixels of the crop
    height: Series[float] = pa.Field(nullable=True)
    sha256: Series[str] = pa.Field(nullable=True)  # of the crop file


class ClassificationTable(_Table):
    """``classification_ds.csv``: one row per crop that can be trained on."""

    path: Series[str] = pa.Field(unique=True)  # crop file, relative to crops/; the item's name
    dataset: Series[str]
    location: Series[str] = pa.Field(nullable=True)  # camera location; empty where unknown
    dataset_class: Series[str] = pa.Field(nullable=True)
    confidence: Series[float] = pa.Field(ge=0, le=1)
    label: Series[str] = pa.Field(nullable=True)  # empty where nobody has labelled it yet
    image_id: Series[str]
    annotation_id: Series[str]
    seq_id: Series[str] = pa.Field(nullable=True)
    datetime: Series[str] = pa.Field(nullable=True)
    group: Series[str]  # what a split keeps together: location, or sequence:.. or image:..
    sha256: Series[str]  # content of the crop file


class TrainTable(_Table):
    """``rounds/NN/train.csv``: what the round learned from."""

    path: Series[str] = pa.Field(unique=True)
    label: Series[str]
    source: Series[str]  # oracle, timelapse, app, table
    annotator: Series[str] = pa.Field(nullable=True)  # unknown for labels of the table
    round: Series[int] = pa.Field(ge=-1)  # whose query it answers; -1: labelled before the run


class JudgedTable(_Table):
    """``rounds/NN/judged.csv``: what people say of items that the round is measured on."""

    path: Series[str] = pa.Field(unique=True)
    split: Series[str] = pa.Field(isin=["val", "test", "kept"])
    label: Series[str] = pa.Field(nullable=True)  # empty: not to be measured on


class QueryTable(_Table):
    """``rounds/NN/query.csv``: what to label next, in order of rank."""

    rank: Series[int] = pa.Field(ge=0, unique=True)
    path: Series[str] = pa.Field(unique=True)
    strategy_: Series[str] = pa.Field(alias="strategy")
    suggestion: Series[str] = pa.Field(nullable=True)  # the model's guess, where there is one
    confidence: Series[float] = pa.Field(nullable=True, ge=0, le=1)


class PredictionTable(_Table):
    """``predictions.parquet``: one row per item; ``p_<class>`` columns beside these."""

    path: Series[str] = pa.Field(unique=True)
    split: Series[str]
    label: Series[str] = pa.Field(nullable=True)
    prediction: Series[str]
    confidence: Series[float] = pa.Field(ge=0, le=1)
    group: Series[str] | None = pa.Field(nullable=True)  # location, or what stands in for it
    source: Series[str] | None  # image that a crop of a folder was cut from


class ResultTable(_Table):
    """``results.parquet`` of a comparison: one row per dataset, model, strategy, seed and round."""

    task: Series[str]  # dataset
    model: Series[str]  # what learned: a network, or the backbone of frozen embeddings
    split: Series[str]  # hash of pool and test; rows of one task and seed share it
    strategy_: Series[str] = pa.Field(alias="strategy")
    seed: Series[int] = pa.Field(ge=0)
    round: Series[int] = pa.Field(ge=0)
    num_labels: Series[int] = pa.Field(ge=0)
    accuracy: Series[float] = pa.Field(ge=0, le=1)
    macro_f1: Series[float] = pa.Field(ge=0, le=1)
    balanced_accuracy: Series[float] = pa.Field(ge=0, le=1)
    seconds: Series[float] = pa.Field(ge=0)  # CPU time of the query that led to this round
    training_seconds: Series[float] = pa.Field(nullable=True, ge=0)  # CPU time of the training
    successor_macro_f1: Series[float] = pa.Field(nullable=True)  # last round: another classifier
    curve: Series[str]  # record of the curve with its queries, relative to the comparison's folder


class RecallTable(_Table):
    """``recall.parquet`` of a comparison: one row per class of every row of ``results.parquet``."""

    task: Series[str]
    model: Series[str]
    strategy_: Series[str] = pa.Field(alias="strategy")
    seed: Series[int] = pa.Field(ge=0)
    round: Series[int] = pa.Field(ge=0)
    label: Series[str]
    recall: Series[float] = pa.Field(nullable=True, ge=0, le=1)  # empty: the test lacks the class
    queried: Series[int] = pa.Field(ge=0)  # items of the class among the labels of the round


def check(table: "pd.DataFrame", schema: type[_Table], *, what: str) -> "pd.DataFrame":
    """The table with its columns coerced to `schema`.

    Raises:
        FieldmarkError: all faults of the table, at most ten lines.
    """
    try:
        return schema.validate(table, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases
        problems = [
            f"column {row.failure_case!r} is missing"
            if row.check == "column_in_dataframe"
            else f"{row.column}: {row.check} (row {row.index}: {row.failure_case!r})"
            for row in cases.head(10).itertuples()
        ]
        more = f" ({len(cases)} faults, the first 10)" if len(cases) > 10 else ""
        raise FieldmarkError.from_problems(f"{what} breaks its schema{more}:", problems) from None


def read_csv(path: Path, schema: type[_Table], *, what: str) -> "pd.DataFrame":
    """Read a CSV as strings (an id like 007 stays 007) and check it against `schema`.

    Raises:
        FieldmarkError: the file is missing, not a CSV, or breaks the schema.
    """
    import pandas as pd

    try:
        table = pd.read_csv(
            path, dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8-sig"
        )
    except FileNotFoundError:
        raise FieldmarkError(f"{what} not found: {path}") from None
    except (OSError, ValueError) as error:
        raise FieldmarkError(f"{what} cannot be read as CSV: {path}: {error}") from error
    return check(table, schema, what=f"{what} {path}")


def write_csv(path: Path, table: "pd.DataFrame", schema: type[_Table]) -> None:
    """Check `table` and write it atomically as CSV with ``\\n`` line ends."""
    from classification.files import atomic_open

    checked = check(table, schema, what=f"table for {path.name}")
    with atomic_open(path) as f:
        checked.to_csv(f, index=False, lineterminator="\n")
