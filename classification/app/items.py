"""What the app can show: the files of a dataset by number, and where each lies on its frame."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classification.paths import is_safe_name

if TYPE_CHECKING:
    import pandas as pd

    from classification.data.dataset import Dataset


@dataclass(frozen=True, kw_only=True)
class Items:
    """Images to label; row i is the same item everywhere.

    Attributes:
        names: what the label store calls them, [N].
        folder: what names are relative to; None where they are paths of their own, as in a
            notebook's table, whose writer chose them.
        split: "train", "val" or "test", or "" where there are no splits, [N].
        bursts, locations: int64 [N], or None where unknown.
        frames: the image each was cut from, relative to `frames_folder`; "" where unknown, [N].
        frames_folder: None where the frames are not at hand.
        boxes: float32 [N, 4], x, y, width and height as shares of the frame; NaN where unknown.
    """

    names: tuple[str, ...]
    folder: Path | None
    split: NDArray[np.str_]
    bursts: NDArray[np.int64] | None = None
    locations: NDArray[np.int64] | None = None
    frames: Sequence[str] = ()
    frames_folder: Path | None = None
    boxes: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.names)

    def file(self, number: int) -> Path | None:
        """The image of an item; None when its name leads out of the folder."""
        if self.folder is None:
            return Path(self.names[number])
        return _inside(self.folder, self.names[number])

    def frame(self, number: int) -> Path | None:
        """The whole image an item was cut from; None where it is not at hand."""
        if self.frames_folder is None or not self.frames or not self.frames[number]:
            return None
        return _inside(self.frames_folder, self.frames[number])

    def box(self, number: int) -> list[float] | None:
        """x, y, width and height as shares of the frame; None where unknown."""
        if self.boxes is None or np.isnan(self.boxes[number]).any():
            return None
        return [round(float(share), 5) for share in self.boxes[number]]


def of_dataset(
    dataset: "Dataset", *, crops: "pd.DataFrame | None", frames_folder: Path | None
) -> Items:
    """The items of a dataset that people can open.

    Args:
        dataset: all of it, so that rows are those of embeddings and predictions.
        crops: the crop table, which knows frames and boxes; None where there is none.
        frames_folder: images that the crops were cut from.
    """
    from classification.data.table import burst_ids, location_ids

    frames, boxes = ([], None) if crops is None else _frames(dataset.paths, crops)
    return Items(
        names=tuple(dataset.paths),
        folder=dataset.crops,
        split=dataset.split,
        bursts=burst_ids(dataset.table),
        locations=location_ids(dataset.table),
        frames=frames,
        frames_folder=frames_folder,
        boxes=boxes,
    )


def _frames(names: Sequence[str], crops: "pd.DataFrame") -> tuple[list[str], NDArray[np.float32]]:
    """Frame and box of each item; a crop table of another tool has no boxes."""
    rows = crops.dropna(subset=["path"]).set_index("path").reindex(list(names))
    frames = rows["source"].fillna("").tolist()
    boxes = np.full((len(names), 4), np.nan, dtype=np.float32)
    if "box" in rows:
        text = rows["box"].where(rows["status"] == "crop")
        found = text.str.extract(r"\[([-\d., ]+)\] of (\d+) x (\d+)")
        corners = found[0].str.split(",", expand=True).reindex(columns=range(4)).astype(float)
        size = found[[1, 2, 1, 2]].astype(float).to_numpy()
        boxes[:] = (corners.to_numpy() / size).clip(0, 1)
    return frames, boxes


def _inside(folder: Path, name: str) -> Path | None:
    """A file below `folder` also after links were followed."""
    if not is_safe_name(name):
        return None
    root, path = os.path.realpath(folder), os.path.realpath(folder / name)
    return Path(path) if os.path.commonpath([root, path]) == root else None
