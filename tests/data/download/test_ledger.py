import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification.data.download.ledger import Ledger
from classification.data.download.record import Record
from classification.errors import FieldmarkError


def test_records_survive_and_the_last_one_counts(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "download.db"
    done = Record(path="a.jpg", status="ok", size=3, mtime_ns=7, sha256="s", source="https://x")
    with Ledger(path) as ledger:
        ledger.put(Record.failed("a.jpg", "throttled", "503"))
        ledger.put(done)
        ledger.put(Record.failed("b.jpg", "not_found", "404"))
    with Ledger(path) as ledger:
        assert ledger.get("a.jpg") == done
        assert ledger.get("c.jpg") is None
        assert [record.path for record in ledger.records()] == ["a.jpg", "b.jpg"]
        ledger.export(tmp_path / "m.csv")
    with (tmp_path / "m.csv").open(newline="") as f:
        rows = list(csv.DictReader(f))
    assert rows[0]["size"] == "3"
    assert rows[1]["reason"] == "not_found"


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_name_and_detail_can_be_recorded(name: str, detail: str) -> None:
    with Ledger(None) as ledger:
        ledger.put(Record.failed(name, "unsafe_name", detail))
        assert len(list(ledger.records())) == 1


def test_two_downloads_into_one_folder_are_refused(tmp_path: Path) -> None:
    with (
        Ledger(tmp_path / "download.db"),
        pytest.raises(FieldmarkError, match="another download"),
        Ledger(tmp_path / "download.db"),
    ):
        pass


def test_a_damaged_ledger_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "download.db"
    path.write_bytes(b"not a database, " * 100)
    with pytest.raises(FieldmarkError, match="Move it away"):
        Ledger(path)
