"""label.py: labels out, in, and how they stand."""

import json
import subprocess
import sys

import pandas as pd
import pytest

from classification.data.cct import read_cct
from classification.errors import FieldmarkError
from classification.label import COMMANDS, label, parse
from classification.labelling.exports import write_ledger
from classification.labelling.flags import flag_items, flagged_items
from classification.labelling.label_table import load_label_dataframe
from classification.labelling.status import labels_per_hour
from classification.labelling.store import LabelStore
from classification.labelling.timelapse.exchange import SUCCESS
from classification.paths.labels import TimelapsePaths
from classification.schemas import QueryTable, write_csv
from tests.conftest import ROOT
from tests.labelling.made import decision
from tests.tiny import make_dataset, write_config


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("label") / "data")


@pytest.fixture
def tiny(dataset, tmp_path):
    """A run that has asked for five items, without training."""
    from classification.paths import RunPaths
    from tests.tiny import Tiny

    made = Tiny(data=dataset, run=RunPaths(tmp_path / "runs" / "test" / "tiny"))
    write_config(made, **{"labels.source": "timelapse"})
    items = pd.read_csv(dataset.table)["path"].tolist()[-5:]
    query = pd.DataFrame({"rank": range(5), "path": items, "strategy": "random",
                          "suggestion": None, "confidence": None})  # fmt: skip
    write_csv(made.run.round(0).query, query, QueryTable)
    made.run.round(0).metrics.write_text(json.dumps({"classes": ["cat", "deer", "fox"]}))
    return made


@pytest.fixture
def items(tiny):
    return pd.read_csv(tiny.run.round(0).query)["path"].tolist()


@pytest.fixture
def store(tiny):
    return LabelStore(tiny.run.labels)


def do(tiny, name, *words):
    options, overrides = parse(COMMANDS[name], name, [*map(str, words), "--config",
                                                      str(tiny.run.config)])  # fmt: skip
    label(COMMANDS[name], options, overrides)


FORMS = {"ledger": "csv", "csv": "csv", "table": "csv", "cct": "json", "timelapse": "csv"}


@pytest.mark.parametrize("form", FORMS)
def test_what_is_exported_can_be_imported_elsewhere_and_twice(
    tiny, store, items, tmp_path, capsys, form
):
    store.add([decision(items[0], "fox"), decision(items[1], "deer"), decision(items[2], "cat")])
    store.add([decision(items[2], None, verdict="exclude")])
    file = tmp_path / f"labels.{FORMS[form]}"
    do(tiny, "export", "--format", form, "--output", file)
    write_config(tiny, **{"labels.store": f"sqlite:///{tmp_path / 'other.db'}"})
    do(tiny, "import", file, "--annotator", "ben")
    assert SUCCESS in capsys.readouterr().out
    other = LabelStore(f"sqlite:///{tmp_path / 'other.db'}")
    current = {item: d.answer for item, d in other.current().items()}
    excluded = {} if form == "cct" else {items[2]: "(exclude)"}  # it holds classes only
    assert current == {items[0]: "fox", items[1]: "deer"} | excluded
    assert {d.annotator for d in other.history()} == (
        {"ann"} if form in ("ledger", "csv") else {"ben"}
    )
    count = len(other.history())
    do(tiny, "import", file, "--annotator", "ben")
    assert len(other.history()) == count


def test_exported_files_are_what_other_tools_read(tiny, store, items, tmp_path):
    marks = decision(items[1], None, verdict="marks", present=("cat", "deer"), absent=("fox",))
    store.add([decision(items[0], "fox"), marks])
    do(tiny, "export", "--format", "cct", "--output", tmp_path / "l.json")
    cct = read_cct(tmp_path / "l.json")
    assert sorted(zip(cct.annotations["image_id"], cct.names, strict=True)) == sorted(
        [(items[0], "fox"), (items[1], "cat"), (items[1], "deer")]
    )
    assert cct.images["location"].notna().all()
    do(tiny, "export", "--format", "table", "--output", tmp_path / "t.csv")
    table = load_label_dataframe(tmp_path / "t.csv").set_index("path")
    assert table.loc[items[1], ["cat", "deer", "fox"]].tolist() == [1, 1, 0]
    assert len(table) == 90


def test_rows_that_are_not_taken_end_with_an_error_and_a_list(tiny, store, items, tmp_path):
    file = tmp_path / "labels.csv"
    file.write_text(f"path,label\n{items[0]},Fox\n{items[1]},wolf\nnowhere.jpg,fox\n{items[2]},\n")
    with pytest.raises(
        FieldmarkError, match=r"(?s)2 rows were not taken.*row 3: unknown.*row 4: no"
    ):
        do(tiny, "import", file)
    assert {i: d.label for i, d in store.current().items()} == {items[0]: "fox"}
    listed = pd.read_csv(TimelapsePaths(tiny.run.root).problems)
    assert listed["row"].tolist() == [3, 4]
    file.write_text(f"path,label\n{items[1]},wolf\n")
    do(tiny, "import", file, "--new-classes", "accept")
    assert store.current()[items[1]].label == "wolf"
    assert not TimelapsePaths(tiny.run.root).problems.exists()


def test_a_correction_is_imported_over_an_earlier_label(tiny, store, items, tmp_path):
    store.add([decision(items[0], "fox", annotator="timelapse")])
    file = tmp_path / "labels.csv"
    file.write_text(f"File,RelativePath,Species\n{items[0]},,deer\n")
    do(tiny, "import", file)
    assert [d.label for d in store.history(items[0])] == ["fox", "deer"]


SAVED_AGAIN = {
    "excel in german": (";", "cp1252", str),
    "with a mark": (",", "utf-8-sig", str),
    "with tabs as unicode": ("\t", "utf-16", str),
    "other capitals": (",", "utf-8", lambda name: f"{name.title()} "),
}


@pytest.mark.parametrize("form", ["csv", "table", "pairs"])
@pytest.mark.parametrize("how", SAVED_AGAIN)
def test_a_spreadsheet_may_have_saved_it_again(tiny, store, items, tmp_path, form, how):
    file, (separator, encoding, named) = tmp_path / "labels.csv", SAVED_AGAIN[how]
    if form == "pairs":
        rows = pd.DataFrame({"path": items[:2], "label": ["fox", "deer"], "note": "Füchse"})
    else:
        store.add([decision(items[0], "fox"), decision(items[1], "deer")])
        do(tiny, "export", "--output", file, "--format", form)
        rows = pd.read_csv(file, dtype=str, keep_default_na=False)
        tiny.run.labels.unlink()
    fixed = {name: named(name) for name in rows if name not in ("cat", "deer", "fox")}
    rows.rename(columns=fixed).to_csv(file, index=False, sep=separator, encoding=encoding)
    do(tiny, "import", file, "--annotator", "ann")
    now = {i: d.single for i, d in LabelStore(tiny.run.labels).current().items() if d.single}
    assert now == {items[0]: "fox", items[1]: "deer"}


def test_what_is_kept_for_validation_goes_out_and_in_with_a_label_table(
    tiny, store, items, tmp_path, capsys
):
    flag_items(store, items[:2], validation=True, annotator="ann")
    flag_items(store, items[:1], validation=False, annotator="ann")
    file = tmp_path / "table.csv"
    do(tiny, "export", "--output", file, "--format", "table")
    table = load_label_dataframe(file)
    assert table.loc[table["validation"], "path"].tolist() == items[1:2]
    tiny.run.labels.unlink()
    do(tiny, "import", file)
    assert "1 images kept for validation" in capsys.readouterr().out
    assert flagged_items(LabelStore(tiny.run.labels)) == {items[1]: True}
    do(tiny, "import", file)
    assert "kept for validation" not in capsys.readouterr().out


def test_capitals_in_a_ledger_are_not_another_class(tiny, store, items, tmp_path):
    other = LabelStore(tmp_path / "other.db")
    other.add([decision(items[0], "FOX")])
    file = tmp_path / "labels.csv"
    write_ledger(file, other.history())
    do(tiny, "import", file)
    assert store.current()[items[0]].label == "fox"


def test_a_ledger_with_faults_is_taken_row_by_row(tiny, store, items, tmp_path):
    do(tiny, "export", "--format", "ledger", "--output", tmp_path / "l.csv")
    head = (tmp_path / "l.csv").read_text()
    rest = ",app,0,,2025-01-01T00:00:00+00:00,,\n"
    (tmp_path / "l.csv").write_text(
        head
        + f"{items[0]},label,fox,ann{rest}{items[1]},maybe,,ann{rest}{items[2]},label,,ann{rest}"
    )
    with pytest.raises(FieldmarkError, match=r"(?s)2 rows.*'maybe' is not one of.*class name goes"):
        do(tiny, "import", tmp_path / "l.csv")
    assert list(store.current()) == [items[0]]


def test_labels_of_full_frames_are_found_by_annotation(tiny, store, items, tmp_path):
    table = pd.read_csv(tiny.data.table).set_index("path")
    cct = {
        "info": {"version": "1.0"},
        "images": [{"id": "i", "file_name": "frame.jpg"}],
        "annotations": [
            {"id": table.loc[items[0], "annotation_id"], "image_id": "i", "category_id": 1}
        ],
        "categories": [{"id": 1, "name": "fox"}],
    }
    (tmp_path / "frames.json").write_text(json.dumps(cct))
    do(tiny, "import", tmp_path / "frames.json")
    assert store.current()[items[0]].label == "fox"


@pytest.mark.parametrize("name", ["nowhere.csv", "other.csv"])
def test_what_is_no_file_of_labels_is_named(tiny, tmp_path, name):
    (tmp_path / "other.csv").write_text("x,y\n1,2\n")
    with pytest.raises(FieldmarkError, match="file of labels"):
        do(tiny, "import", tmp_path / name)


def test_the_csv_in_new_labels_bin_is_taken_once(tiny, store, items, capsys):
    with pytest.raises(FieldmarkError, match="no new CSV"):
        do(tiny, "import")
    returned = TimelapsePaths(tiny.run.root).returned
    returned.mkdir()
    (returned / "a.csv").write_text(
        "File,RelativePath,Species\n" + "".join(f"{item},,fox\n" for item in items)
    )
    do(tiny, "import", "--watch")
    assert SUCCESS in capsys.readouterr().out
    assert store.undecided(items) == []
    with pytest.raises(FieldmarkError, match="no new CSV"):
        do(tiny, "import")


def test_status_says_who_did_what_and_what_waits(tiny, store, items, capsys):
    minutes = [f"2025-01-01T10:{m:02d}:00+00:00" for m in (0, 1, 2)]
    store.add(decision(i, "fox", decided_at=t) for i, t in zip(items, minutes, strict=False))
    store.add([decision(items[0], "deer", annotator="ben")])
    do(tiny, "status")
    out = capsys.readouterr().out
    assert "4 decisions on 3 items" in out
    assert "round 0 asked for 5: 2 waiting" in out
    assert "ann, ben: 1 items, Cohen's kappa 0.000" in out
    assert f"{items[0]}: ann fox, ben deer" in out
    ann = next(line for line in out.splitlines() if line.split()[:1] == ["ann"])
    assert ann.split() == ["ann", "3", "60"]


def test_breaks_do_not_count_as_work():
    times = ["10:00:00", "10:00:30", "10:01:00", "14:00:00", "14:00:30"]
    made = [decision("a", decided_at=f"2025-01-01T{t}+00:00") for t in times]
    assert labels_per_hour(made) == pytest.approx(120)
    assert labels_per_hour(made[:1]) is None


def test_a_folder_that_is_no_run_is_named(tiny, tmp_path):
    tiny.run.config.unlink()
    with pytest.raises(FieldmarkError, match="config not found"):
        do(tiny, "status")


def test_an_unknown_command_and_help():
    script = [sys.executable, str(ROOT / "classification" / "label.py")]
    done = subprocess.run([*script, "paint"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "no command 'paint'; there are: export, import, serve, status" in done.stderr
    done = subprocess.run([*script, "import", "--help"], capture_output=True, text=True, check=True)
    assert "--new-classes" in done.stdout
