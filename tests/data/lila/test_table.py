import zipfile
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification.data.lila import table as module
from classification.data.lila.table import (
    COLUMNS,
    image_starts,
    read_table,
    table_bytes,
    whole_images,
)
from classification.errors import FieldmarkError


def text(size: int) -> str:
    lines = [",".join([*COLUMNS, "kingdom"])]
    lines += [",".join([f'"a,{n}"' if c == "image_id" else c for c in COLUMNS]) + ",x"
              for n in range(size)]  # fmt: skip
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("zipped", [True, False])
def test_the_table_is_read_in_pieces_zipped_or_not(tmp_path: Path, monkeypatch, zipped) -> None:
    monkeypatch.setattr(module, "_BLOCK", 2000)
    monkeypatch.setattr(module, "_ROWS", 30)
    path = tmp_path / ("t.csv.zip" if zipped else "t.csv")
    if zipped:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("t.csv", text(300))
            archive.writestr("__MACOSX/t.csv", "")
    else:
        path.write_text(text(300))
    seen: list[int] = []
    pieces = list(read_table(path, on_bytes=seen.append))
    assert len(pieces) > 5
    ids = [i for piece in pieces for i in piece["image_id"].to_pylist()]
    assert ids == [f"a,{n}" for n in range(300)]
    assert pieces[0].column_names == list(COLUMNS)
    assert sum(seen) == table_bytes(path) == len(text(300))


@pytest.mark.parametrize("content", ["a,b\n1,2\n", ""])
def test_another_table_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(content)
    with pytest.raises(FieldmarkError, match="not LILA's table"):
        list(read_table(path))


def test_a_broken_zip_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "t.csv.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("t.csv", text(5000))
    data = bytearray(path.read_bytes())
    data[300:400] = bytes(100)
    path.write_bytes(bytes(data))
    with pytest.raises(FieldmarkError, match="delete it"):
        list(read_table(path))


@given(
    st.lists(st.integers(1, 4), max_size=12),
    st.lists(st.integers(0, 9), max_size=8),
    st.integers(1, 9),
)
def test_no_image_is_cut_in_two(sizes: list[int], cuts: list[int], least: int) -> None:
    ids = [f"im{n}" for n, size in enumerate(sizes) for _ in range(size)]
    table = pa.table({"image_id": pa.array(ids, pa.string())})
    pieces, at = [], 0
    for cut in cuts:
        pieces.append(table.slice(at, cut))
        at += cut
    pieces.append(table.slice(at))
    out = list(whole_images(pieces, least=least))
    assert [i for piece in out for i in piece["image_id"].to_pylist()] == ids
    assert sum(len(image_starts(piece)) for piece in out) == len(sizes)
