"""The combined dataset while it is being cleaned, and the ledger of everything that leaves it."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

_LEDGER = ["kind", "id", "dataset", "reason", "detail"]


@dataclass(frozen=True, kw_only=True)
class Draft:
    """Images and annotations of all inputs; every rule takes one and returns another.

    images: the columns of `Cct.images`, ``dataset`` (camera locations are unique within one),
        ``source`` (name of the input) and ``source_file_name``; the index is the image's key and
        is never renewed.
    annotations: the columns of `Cct.annotations` and ``image`` (key of its image), ``source``,
        ``label`` (text), ``dataset_class`` (label as the dataset spells it), ``changes`` (codes
        of what cleaning did to it, joined by semicolons).
    dropped: rows of ``dropped.csv``. notes: lines for the summary.
    """

    images: pd.DataFrame
    annotations: pd.DataFrame
    dropped: tuple[pd.DataFrame, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def drop_images(self, mask: Any, reason: str, detail: Any = "") -> "Draft":
        """Without the images where `mask`, nor their annotations; each with a row.

        Args:
            mask: bool [images].
            reason: code.
            detail: text, or one text per image.
        """
        mask = np.asarray(mask, dtype=bool)
        if not mask.any():
            return self
        rows = ledger("image", self.images, mask, reason, detail)
        gone = self.images.index[mask]
        orphans = self.annotations["image"].isin(gone).to_numpy()
        more = ledger("annotation", self.annotations, orphans, "image_dropped", reason)
        return replace(
            self,
            images=self.images[~mask],
            annotations=self.annotations[~orphans],
            dropped=(*self.dropped, rows, more),
        )

    def drop_annotations(self, mask: Any, reason: str, detail: Any = "") -> "Draft":
        """Without the annotations where `mask` (bool [annotations]); each with a row."""
        mask = np.asarray(mask, dtype=bool)
        if not mask.any():
            return self
        rows = ledger("annotation", self.annotations, mask, reason, detail)
        return replace(self, annotations=self.annotations[~mask], dropped=(*self.dropped, rows))

    def change(self, mask: Any, code: str, **columns: Any) -> "Draft":
        """With new values in `columns` of the annotations where `mask`, and a note of it there."""
        mask = np.asarray(mask, dtype=bool)
        if not mask.any():
            return self
        table = self.annotations.copy(deep=False)  # columns are copied when written to
        for name, value in columns.items():
            table.loc[mask, name] = value
        before = table.loc[mask, "changes"]
        table.loc[mask, "changes"] = before.where(before == "", before + ";") + code
        return replace(self, annotations=table)

    def set_images(self, **columns: Any) -> "Draft":
        """With these columns of the images."""
        return replace(self, images=self.images.assign(**columns))

    def set_annotations(self, **columns: Any) -> "Draft":
        """With these columns of the annotations."""
        return replace(self, annotations=self.annotations.assign(**columns))

    def append(self, new: pd.DataFrame) -> "Draft":
        """With more annotations; the columns that they lack are NA."""
        old = self.annotations
        new = new.reindex(columns=list(old.columns))
        new = new.astype({name: old[name].dtype for name in old.columns})
        return replace(self, annotations=pd.concat([old, new], ignore_index=True))

    def enter(self, rows: pd.DataFrame) -> "Draft":
        """With more rows in the ledger."""
        return replace(self, dropped=(*self.dropped, rows))

    def note(self, *lines: str) -> "Draft":
        """With more lines for the summary."""
        return replace(self, notes=(*self.notes, *lines))

    def of_image(self, column: str) -> pd.Series:
        """A column of the images, for each annotation; with the annotations' index."""
        values = self.images[column].reindex(self.annotations["image"])
        return values.set_axis(self.annotations.index)


def ledger(kind: str, table: pd.DataFrame, mask: Any, reason: str, detail: Any) -> pd.DataFrame:
    """Rows of ``dropped.csv`` for the items where `mask`; `detail` is a text, or one per item."""
    chosen = table.loc[mask, ["id", "source"]].rename(columns={"source": "dataset"})
    if isinstance(detail, (pd.Series, np.ndarray, list)):
        detail = pd.Series(np.asarray(detail, dtype=object), index=table.index)[mask]
    rows = chosen.assign(kind=kind, reason=reason, detail=detail)
    return rows[_LEDGER].reset_index(drop=True)


def box_values(annotations: pd.DataFrame) -> pd.Series:
    """Each annotation's box as found, absolute or relative; None without one."""
    absolute = annotations["bbox"]
    return absolute.where(absolute.notna(), annotations["bbox_relative"])
