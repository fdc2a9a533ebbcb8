"""Image folders as a dataset: a subfolder per class, and a pool that may grow.

The table in ``data/`` remembers what the folders held. Called again, new images of the training and
the unlabelled folder are added at its end; what is there never changes, and neither do the test
images, so that finished rounds still rest on the same data.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from classification.data.dataset import Dataset, read_classes, test_hash
from classification.data.folder_files import (
    Folders,
    Found,
    class_folders,
    find_images,
    look_at,
    named,
    relative,
    require_folders,
)
from classification.data.images import ImageError
from classification.data.parallel import core_count
from classification.data.table import read_table
from classification.errors import FieldmarkError
from classification.files import read_json, sha256_lines, write_json
from classification.paths.active_learning import FolderPaths
from classification.schemas import ClassificationTable, DroppedTable, write_csv

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Folders", "load_folders"]

logger = logging.getLogger(__name__)

_SHOWN = 5


def load_folders(folders: Folders, paths: FolderPaths, *, threads: int = 0) -> Dataset:
    """Read the folders, remember what is new in `paths`, and give all of it as a dataset.

    Raises:
        FieldmarkError: a folder is missing, holds no class, or holds another one; validation
            classes that training lacks; images of the record that are gone.
    """
    folders = _as_recorded(folders, paths)
    require_folders(folders)
    found = find_images(folders)
    classes = _classes(folders, paths)
    before = read_table(paths.table) if paths.table.exists() else None
    new = _new(found, before)
    if before is None or new:
        table = _grown(before, _table(new, folders.unlabelled, paths, before, threads=threads))
        write_json(paths.folders, _record(folders, paths))
        write_json(paths.label_index, {str(i): name for i, name in enumerate(classes)})
        write_csv(paths.table, table, ClassificationTable)  # last: it is what makes the record
    return _dataset(paths, folders)


def _as_recorded(folders: Folders, paths: FolderPaths) -> Folders:
    """The folders a run began with where they still exist; what was given instead is ignored."""
    if not paths.table.exists():
        return folders
    record = read_json(paths.folders, what="record of the folders")
    chosen: dict[str, Path | None] = {}
    for name, given in named(folders).items():
        kept = None if record.get(name) is None else (paths.root / record[name]).resolve()
        chosen[name] = kept if kept is None or kept.is_dir() else given
        if chosen[name] != given:
            logger.warning("ignored, the run goes on with %s_data %s: %s", name, kept, given)
    train, unlabelled = chosen["train"], chosen["unlabelled"]
    assert train is not None  # for the types: only validation may be missing
    assert unlabelled is not None
    return Folders(
        train=train,
        unlabelled=unlabelled,
        validation=chosen["validation"],
        output=folders.output,
    )


def _record(folders: Folders, paths: FolderPaths) -> dict[str, str | None]:
    """The folders as seen from the record, so that all may be moved or copied together."""
    start = paths.root.resolve()
    return {k: None if v is None else relative(v, start) for k, v in named(folders).items()}


def _classes(folders: Folders, paths: FolderPaths) -> tuple[str, ...]:
    """Names of the class folders; those of an earlier call first, new ones behind them."""
    known = class_folders(folders.train)
    tested = class_folders(folders.validation) if folders.validation else []
    strange = sorted(set(tested) - set(known))
    problems = [f"validation_data has {name!r}, train_data has not" for name in strange]
    if len(known) < 2:
        problems.append(
            f"train_data {folders.train} has {len(known)} class folders "
            f"({', '.join(known) or 'none'}); a classifier needs at least two"
        )
    if problems:
        raise FieldmarkError.from_problems("the class folders cannot be used:", problems)
    before = read_classes(paths.label_index) if paths.table.exists() else ()
    return (*before, *(name for name in known if name not in before))


def _new(found: list[Found], before: "pd.DataFrame | None") -> list[Found]:
    """Images that the record lacks; test images join only at the start."""
    if before is None:
        return found
    gone = sorted(set(before["path"]) - {image.path for image in found})
    if gone:
        raise FieldmarkError.from_problems(
            f"{len(gone)} images of this run are gone. Put them back, or start a new run with "
            "use_checkpoints=False. Missing:",
            gone[:_SHOWN],
        )
    known = set(before["path"])
    new = [image for image in found if image.path not in known]
    tests = sum(image.split == "test" for image in new)
    if tests:
        logger.warning("ignored: %d new images in validation_data; the test stays as it is", tests)
    return [image for image in new if image.split != "test"]


def _table(
    new: Sequence[Found],
    root: Path,
    paths: FolderPaths,
    before: "pd.DataFrame | None",
    *,
    threads: int,
) -> "pd.DataFrame":
    """Rows of the usable images among `new`; the others are listed with the reason."""
    import pandas as pd
    from tqdm import tqdm

    with ThreadPoolExecutor(core_count(threads)) as pool:
        files = [root / image.path for image in new]
        looks = list(tqdm(pool.map(look_at, files), total=len(new), desc="images", leave=False))
    if before is None and not any(isinstance(look, str) for look in looks):
        raise FieldmarkError(f"no usable image in the folders beside {root}")
    rows, dropped = [], []
    tested = set() if before is None else set(before["sha256"][before["split"] == "test"])
    tested |= {look for image, look in zip(new, looks, strict=True)
               if image.split == "test" and isinstance(look, str)}  # fmt: skip
    for image, look in zip(new, looks, strict=True):
        if isinstance(look, ImageError):
            dropped.append((image.path, look.reason, look.detail))
        elif image.split == "train" and look in tested:
            dropped.append((image.path, "in_validation", "the same file is tested on"))
        else:
            rows.append(_row(image, look))
    listed = [("image", path, "folders", reason, detail) for path, reason, detail in dropped]
    columns = ["kind", "id", "dataset", "reason", "detail"]
    write_csv(paths.dropped, pd.DataFrame(listed, columns=columns), DroppedTable)
    if dropped:
        reasons = Counter(reason for _, reason, _ in dropped)
        logger.warning("%d images left out %s: %s", len(dropped), dict(reasons), paths.dropped)
    return pd.DataFrame(rows)


def _row(image: Found, sha256: str) -> dict[str, object]:
    return {
        "path": image.path,
        "dataset": "folders",
        "location": None,
        "dataset_class": image.label,
        "confidence": 1.0,
        "label": image.label,
        "image_id": image.path,
        "annotation_id": image.path,
        "seq_id": None,
        "datetime": None,
        "group": f"image:{image.path}",
        "sha256": sha256,
        "split": image.split,
    }


def _grown(before: "pd.DataFrame | None", rows: "pd.DataFrame") -> "pd.DataFrame":
    """The record with the rows behind it; `added` counts the calls that found any."""
    import pandas as pd

    if before is None:
        return rows.assign(added=0)
    if rows.empty:
        return before
    logger.info("%d new images", len(rows))
    return pd.concat([before, rows.assign(added=before["added"].astype(int).max() + 1)])


def _dataset(paths: FolderPaths, folders: Folders) -> Dataset:
    table = read_table(paths.table)
    classes = read_classes(paths.label_index)
    ids = {name: i for i, name in enumerate(classes)}
    first = table[table["added"].astype(int) == 0]
    start = first[["sha256", "path", "split", "label"]].fillna("")
    dataset = Dataset(
        table=table,
        split=table["split"].to_numpy(dtype=str),
        classes=classes,
        labels=np.array([ids.get(name, -1) for name in table["label"]], dtype=np.int64),
        crops=folders.unlabelled.resolve(),
        hashes={"table": sha256_lines(" ".join(row) for row in start.itertuples(index=False))},
    )
    dataset.hashes["test_split"] = test_hash(dataset)
    return dataset
