"""LILA's table of all images, tens of millions of rows, streamed in bounded memory."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
from pyarrow import compute, csv

from classification.data.lila.cache import open_zip
from classification.errors import FieldmarkError

pc: Any = compute  # its functions are made at import, which type checkers cannot see
COLUMNS = (
    "dataset_name", "url_gcp", "url_aws", "url_azure", "image_id", "sequence_id", "location_id",
    "frame_num", "original_label", "datetime", "annotation_level",
)  # fmt: skip
"""What selection needs of the 32 columns; the taxa come from the taxonomy mapping."""
SHORT = ("dataset_name", "image_id", "location_id", "original_label", "datetime")
"""What counting by location needs."""
DATETIME = "%m-%d-%Y %H:%M:%S"

# Bytes of CSV parsed at a time, about 5,000 rows. Arrow reads ahead: 4 MiB blocks take 0.35 GB in
# all, 16 MiB blocks 1 GB, at the same speed.
_BLOCK = 4 << 20
_ROWS = 40_000  # of a piece: pandas costs milliseconds per call whatever the length


def read_table(
    path: Path,
    columns: Sequence[str] = COLUMNS,
    *,
    on_bytes: Callable[[int], object] = lambda number: None,
) -> Iterator[pa.Table]:
    """Pieces of the table, as text; all rows of an image (one per label) are in one piece.

    Args:
        path: CSV, or a zip that holds it.
        columns: which to read; image_id must be among them.
        on_bytes: told how much CSV each piece came from.

    Raises:
        FieldmarkError: not that table, or broken.
    """
    types = {column: pa.string() for column in columns}
    try:
        with _stream(path, on_bytes) as stream:
            reader = csv.open_csv(
                stream,
                read_options=csv.ReadOptions(block_size=_BLOCK),
                convert_options=csv.ConvertOptions(
                    include_columns=list(columns), column_types=types, strings_can_be_null=False
                ),
            )
            batches = (pa.Table.from_batches([batch]) for batch in reader)
            yield from whole_images(batches, least=_ROWS)
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        raise FieldmarkError(
            f"{path} is not LILA's table of all images, or is damaged: {error}"
        ) from error


def table_bytes(path: Path) -> int:
    """Size of the CSV in bytes, unzipped."""
    if path.suffix.lower() != ".zip":
        return path.stat().st_size
    with open_zip(path, what="table of all images") as (archive, member):
        return archive.getinfo(member).file_size


def whole_images(pieces: Iterable[pa.Table], *, least: int = 1) -> Iterator[pa.Table]:
    """The same rows cut elsewhere, so that no image's rows lie in two pieces.

    Args:
        pieces: tables with image_id; an image's rows follow each other.
        least: rows of a piece, the last one excepted.
    """
    waiting: list[pa.Table] = []
    for piece in pieces:
        waiting.append(piece)
        if sum(map(len, waiting)) <= least:
            continue
        table = pa.concat_tables(waiting)
        last = image_starts(table)[-1]
        if last:
            yield table.slice(0, last)
        waiting = [table.slice(last)]
    if sum(map(len, waiting)):
        yield pa.concat_tables(waiting)


def image_starts(table: pa.Table) -> np.ndarray:
    """Rows at which another image begins: int64, the first is 0."""
    ids = table["image_id"]
    other = pc.not_equal(ids.slice(1), ids.slice(0, len(ids) - 1)).to_numpy()
    return np.concatenate([[0], np.flatnonzero(other) + 1])


@contextmanager
def _stream(path: Path, on_bytes: Callable[[int], object]) -> Iterator[Any]:
    if path.suffix.lower() != ".zip":
        with path.open("rb") as f:
            yield _Counted(f, on_bytes)
        return
    with open_zip(path, what="table of all images") as (archive, member), archive.open(member) as f:
        yield _Counted(f, on_bytes)


class _Counted:
    """A stream that tells how much was read of it."""

    def __init__(self, stream: IO[bytes], on_bytes: Callable[[int], object]) -> None:
        self._stream, self._on_bytes, self.closed = stream, on_bytes, False

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._on_bytes(len(data))
        return data
