"""Results of several folders as those of one comparison: played on several machines, or in turn."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classification.comparison.curves import read_stamp, same_basis
from classification.errors import FieldmarkError, refuse
from classification.files import atomic_path, read_json, write_json
from classification.paths import ComparisonPaths
from classification.schemas import RecallTable, ResultTable, check

if TYPE_CHECKING:
    import pandas as pd

_CURVE = ["task", "model", "strategy", "seed"]
_SHOWN = 10  # faults


@dataclass(frozen=True, kw_only=True)
class Combined:
    """Results and recall (None where a folder lacks it) of several folders, and what to say of
    them."""

    results: "pd.DataFrame"
    recall: "pd.DataFrame | None"
    notes: list[str]


def combine(folders: Sequence[Path], output: Path) -> Combined:
    """Put the results of several folders together in another.

    A curve that stands in several folders, as random picks do, counts once: as it is in the first.

    Args:
        folders: each with ``results.parquet``; where the records in ``cells/`` are missing, less
            can be checked.
        output: gets ``results.parquet``, ``recall.parquet`` and ``run_details.json``.

    Raises:
        FieldmarkError: no results in a folder, `output` holds a comparison of its own, or results
            that do not compare: other pools and tests, protocols, numbers of labels, or two
            strategies of one name.
    """
    import pandas as pd

    if ComparisonPaths(output).cell_folder.exists():
        raise FieldmarkError(
            f"{output} holds a comparison that was played; give --output another folder for what "
            "is put together"
        )
    curves = [curve for folder in folders for curve in _curves(folder)]
    refuse("these results cannot be compared:", list(_faults(curves))[:_SHOWN])
    by_name: dict[tuple[Any, ...], _Held] = {}
    for curve in curves:
        by_name.setdefault((curve.place, curve.strategy), curve)
    kept = list(by_name.values())
    found = Combined(
        results=pd.concat([_moved(curve, output) for curve in kept], ignore_index=True),
        recall=_recall(kept, folders),
        notes=_notes(curves),
    )
    _write(found, folders, ComparisonPaths(output))
    return found


@dataclass(frozen=True, kw_only=True)
class _Held:
    """A curve that a folder holds.

    Attributes:
        place: task, model and seed.
        rows: of ``results.parquet``, by round.
        stamp: what it rests on; None where its record is not there.
    """

    folder: Path
    place: tuple[str, str, int]
    strategy: str
    rows: "pd.DataFrame"
    stamp: Mapping[str, Any] | None


def _curves(folder: Path) -> Iterator[_Held]:
    import pandas as pd

    path = ComparisonPaths(folder).results
    if not path.exists():
        raise FieldmarkError(f"no results of a comparison: {path}")
    table = check(pd.read_parquet(path), ResultTable, what=f"results of {folder}")
    for _, rows in table.sort_values("round").groupby(_CURVE, sort=False):
        one = rows.iloc[0]
        yield _Held(
            folder=folder,
            place=(one["task"], one["model"], int(one["seed"])),
            strategy=one["strategy"],
            rows=rows,
            stamp=read_stamp(folder / one["curve"]),
        )


def _faults(curves: Sequence[_Held]) -> Iterator[str]:
    """Why they do not compare, each curve beside the first one of its place and of its name."""
    first: dict[Any, _Held] = {}
    for curve in curves:
        task, model, seed = curve.place
        where = f"{task}, {model}, seed {seed}"
        one = first.setdefault(curve.place, curve)
        own = {str(c.rows["split"].iloc[0]) for c in (one, curve)}
        if len(own) > 1:
            yield f"{where}: {len(own)} different divisions into pool and test"
        elif other := _other(one, curve, ("protocol", "learner")):
            yield f"{where}: {one.folder} and {curve.folder} were played by other {other}"
        elif one.rows["num_labels"].tolist() != curve.rows["num_labels"].tolist():
            yield (
                f"{where}: {one.strategy!r} has {_extent(one)}, {curve.strategy!r} "
                f"{_extent(curve)}; play all to the same --rounds"
            )
        else:
            twin = first.setdefault((curve.place, curve.strategy), curve)
            if what := _differs(twin, curve):
                yield (
                    f"{where}: {curve.strategy!r} is in {twin.folder} and {curve.folder} with "
                    f"{what}; give one of them another name"
                )


def _other(one: _Held, curve: _Held, keys: Sequence[str]) -> str:
    """Which of these parts of their stamps differ, where both are known."""
    if one.stamp is None or curve.stamp is None:
        return ""
    return ", ".join(key for key in keys if not same_basis(one.stamp, curve.stamp, key))


def _extent(curve: _Held) -> str:
    labels = curve.rows["num_labels"]
    return f"{labels.min()} to {labels.max()} labels in {len(labels)} rounds"


def _differs(one: _Held, curve: _Held) -> str:
    """What tells apart two curves of one name; nothing where it was played twice."""
    if one.stamp is not None and curve.stamp is not None:
        what = _other(one, curve, ("strategy", "options"))
        return f"other {what}" if what else ""
    a, b = (c.rows[["accuracy", "macro_f1"]].to_numpy() for c in (one, curve))
    return "" if (a == b).all() else "other scores, and no record that says why"


def _notes(curves: Sequence[_Held]) -> list[str]:
    """What is in several folders, and data that are not the same to the last digit."""
    count = Counter((curve.place, curve.strategy) for curve in curves)
    twice = Counter(name for (_, name), n in count.items() if n > 1)
    notes = [
        f"{name}: {n} curves are in several folders; those of the first one count"
        for name, n in twice.items()
    ]
    data: dict[str, set[str]] = {}
    for curve in curves:
        if curve.stamp is not None:
            data.setdefault(curve.place[0], set()).add(curve.stamp["data"])
    return notes + [
        f"{task}: embeddings or labels are not the same in all folders. Another machine gives "
        "other last digits; make sure that it is no more than that"
        for task, digests in data.items()
        if len(digests) > 1
    ]


def _moved(curve: _Held, output: Path) -> "pd.DataFrame":
    """Its rows with the path of its record as seen from `output`."""
    record = (curve.folder / curve.rows["curve"].iloc[0]).resolve()
    return curve.rows.assign(curve=Path(os.path.relpath(record, output.resolve())).as_posix())


def _recall(kept: Sequence[_Held], folders: Sequence[Path]) -> "pd.DataFrame | None":
    """Recall by class of these curves; None where a folder has none."""
    import pandas as pd

    parts = []
    for folder in dict.fromkeys(folders):
        path = ComparisonPaths(folder).recall
        if not path.exists():
            return None
        own = [curve.rows[[*_CURVE, "round"]] for curve in kept if curve.folder == folder]
        if own:
            recall = check(pd.read_parquet(path), RecallTable, what=str(path))
            parts.append(recall.merge(pd.concat(own), on=[*_CURVE, "round"]))
    return pd.concat(parts, ignore_index=True)


def _write(found: Combined, folders: Sequence[Path], paths: ComparisonPaths) -> None:
    for path, table in ((paths.results, found.results), (paths.recall, found.recall)):
        if table is not None:
            with atomic_path(path) as temporary:
                table.to_parquet(temporary, index=False)
    details = [ComparisonPaths(folder).details for folder in folders]
    records = [read_json(path, what="record of a comparison") for path in details if path.exists()]
    datasets = [name for r in records for name in r["options"].get("datasets", ())]
    classes = {title: names for r in records for title, names in r["classes"].items()}
    options = {"datasets": list(dict.fromkeys(datasets)), "folders": list(map(str, folders))}
    write_json(paths.details, {"options": options, "classes": classes})
