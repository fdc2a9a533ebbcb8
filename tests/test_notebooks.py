"""The notebooks run from both folders, show what they should, and hold no functions or outputs."""

import ast
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from nbclient import NotebookClient

from classification.data.clean.step import combine_datasets
from classification.data.create_dataset import create_classification_dataset
from classification.data.crops import crop_detections
from classification.data.options import ClassificationDatasetOptions, CombineOptions, CropOptions
from classification.data.sample.dataset import make_sample_dataset
from classification.data.sample.options import SampleOptions
from classification.files import write_json
from classification.paths import (
    ComparisonPaths,
    DatasetPaths,
    EmbeddingPaths,
    InterimPaths,
    RunPaths,
    SamplePaths,
)
from tests.comparison.made_results import made_results
from tests.comparison.test_report import made_recall
from tests.conftest import ROOT
from tests.runs import write_run
from tests.test_report import fabricate

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@dataclass(frozen=True)
class Small:
    """What the demo makes, from 60 small images."""

    raw: Path
    cct: Path
    dataset: Path


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    root = tmp_path_factory.mktemp("notebooks")
    raw = SamplePaths(root / "raw/sample")
    interim = InterimPaths(root / "interim/sample")
    dataset = root / "processed/sample"
    make_sample_dataset(
        SampleOptions(
            output_dir=raw.root, images=60, locations=12, width=128, height=128, processes=1
        )
    )
    combine_datasets(CombineOptions(output_dir=interim.root, cct=(raw.cct,), threads=1))
    crop_detections(
        CropOptions(
            cct=interim.clean_cct, output_dir=dataset, images_dir=raw.images, threads=1, min_size=1
        )
    )
    create_classification_dataset(
        ClassificationDatasetOptions(
            output_dir=dataset, cct_json=interim.clean_cct, min_locs=3, test_frac=0.3
        )
    )
    return Small(raw=root / "raw", cct=interim.clean_cct, dataset=dataset)


@dataclass(frozen=True)
class Executed:
    """Outputs of a notebook."""

    pictures: int
    tables: int
    text: str


def execute(name, folder, tmp_path, **settings):
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    client = NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    private = {"JUPYTER_RUNTIME_DIR": tmp_path / "runtime", "IPYTHONDIR": tmp_path / "ipython"}
    values = {f"FIELDMARK_{key.upper()}": value for key, value in settings.items()}
    client.execute(env=os.environ | {k: str(v) for k, v in (private | values).items()})
    outputs = [o for cell in notebook.cells for o in cell.get("outputs", [])]
    data = [o["data"] for o in outputs if "data" in o]
    errors = "".join(o["text"] for o in outputs if o.get("name") == "stderr")
    assert "Warning" not in errors, errors
    return Executed(
        pictures=sum("image/png" in d for d in data),
        tables=sum("<table" in d.get("text/html", "") for d in data),
        text="\n".join([o.get("text", "") for o in outputs])
        + "\n".join(d.get("text/markdown", "") + d.get("text/html", "") for d in data),
    )


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebooks_hold_no_function_no_output_and_nothing_of_one_machine(path):
    cells = json.loads(path.read_text())["cells"]
    assert cells[0]["cell_type"] == "markdown"
    assert "".join(cells[0]["source"]).startswith("# ")
    for cell in cells:
        source = "".join(cell["source"])
        assert not re.search(r"/(home|root|tmp|work|Users)/", source)
        if cell["cell_type"] != "code":
            continue
        assert cell["outputs"] == []
        assert cell["execution_count"] is None
        tree = ast.parse(re.sub(r"^%.*$", "", source, flags=re.M))
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
        assert not [node for node in ast.walk(tree) if isinstance(node, kinds)]


def test_every_notebook_is_in_the_table():
    text = (ROOT / "notebooks/README.md").read_text()
    assert sorted(re.findall(r"^\| `(\w+)\.ipynb`", text, flags=re.M)) == [
        path.stem for path in NOTEBOOKS
    ]


def test_find_species_locations(small, tmp_path):
    done = execute(
        "find_species_locations", ROOT / "notebooks", tmp_path,
        cct=small.cct, species="deer,elk", output=tmp_path,
    )  # fmt: skip
    assert re.search(r"deer, elk: \d+ images at \d+ locations; \d+ holds? half", done.text)
    assert done.pictures == 1
    assert done.tables >= 3
    assert len(list((tmp_path / "species").glob("*_locations.csv"))) == 1


def test_clean_and_combine_datasets(small, tmp_path):
    done = execute("clean_and_combine_datasets", ROOT, tmp_path, raw=small.raw, output=tmp_path)
    assert done.pictures == 2
    for found in ("canid", "rodent", "duplicate_content", "zero_area", "missing"):
        assert found in done.text
    dropped = pd.read_csv(InterimPaths(tmp_path / "combined").dropped)
    assert set(dropped["dataset"]) == {"north"}  # the faults are all in the second


@pytest.mark.parametrize("with_run", [False, True], ids=["look-alikes", "run"])
def test_inspect_dataset(small, tmp_path, with_run):
    run = ""
    if with_run:
        run = tmp_path / "model/experiment"
        write_run(run, small.dataset)
    done = execute("inspect_dataset", ROOT, tmp_path, dataset=small.dataset, run=run)
    table = pd.read_csv(small.dataset / "classification_ds.csv")
    classes = sorted(table["label"].dropna().unique())
    assert done.pictures >= 3 + len(classes)
    for name in classes:
        assert f"### {name}" in done.text
    judge = "the newest round of experiment" if with_run else "their nearest look-alikes"
    assert f"judged by {judge}" in done.text


@pytest.fixture(scope="module")
def played(small, tmp_path_factory):
    """A run of six rounds on the small dataset, with an audit slice and embeddings."""
    table = pd.read_csv(small.dataset / "classification_ds.csv")
    run = fabricate(
        tmp_path_factory.mktemp("runs") / "resnet18/first", list(table["path"]),
        rounds=6, per_round=4, audit=2,
    )  # fmt: skip
    store = EmbeddingPaths(run.embeddings, "made")
    run.embeddings.mkdir()
    np.save(store.array, np.random.default_rng(0).normal(size=(len(table), 8)))
    write_json(store.progress, {"rows": len(table), "dim": 8, "done": len(table)})
    return run


def test_evaluate_results(small, played, tmp_path):
    done = execute("evaluate_results", ROOT, tmp_path, run=played.root, dataset=small.dataset)
    assert re.search(r"\*\*resnet18/first\*\*: with 20 labels right on \d+%", done.text)
    assert re.search(r"All rounds together: \d+% of \d+ right", done.text)
    assert re.search(r"\d+ suspects among \d+ labels", done.text)
    assert done.pictures == 10
    assert done.tables >= 5


def test_evaluate_results_of_a_run_that_has_just_begun_without_its_dataset(small, tmp_path):
    run = fabricate(tmp_path / "m/run", [f"{i}.jpg" for i in range(90)], rounds=2)
    done = execute("evaluate_results", ROOT, tmp_path, run=run.root, dataset=tmp_path / "gone")
    assert "Four rounds with scores are needed" in done.text
    assert "No audit slice" in done.text
    assert done.pictures == 7


def test_model_card(played, tmp_path):
    done = execute("model_card", ROOT / "notebooks", tmp_path, run=played.root, contact="Ada")
    assert done.pictures == 3
    card = RunPaths(played.root).model_card.read_text("utf-8")
    assert card.startswith("# resnet18/first")
    assert "Ada" in card
    assert "Ada" in done.text


@pytest.mark.parametrize("with_classes", [True, False])
def test_compare_strategies(tmp_path, with_classes):
    paths = ComparisonPaths(tmp_path / "comparison")
    paths.root.mkdir()
    levels = {"random": 0.3, "good": 0.4, "bad": 0.2}
    made_results(levels).to_parquet(paths.results)
    if with_classes:
        made_recall(levels).to_parquet(paths.recall)
    done = execute("compare_strategies", ROOT, tmp_path, comparison=paths.root)
    assert done.pictures == 3 + 2 + (4 if with_classes else 0)
    assert done.tables >= 3
    assert paths.report.exists()


def test_create_separate_cct_for_splits(small, tmp_path):
    done = execute(
        "create_separate_cct_for_splits", ROOT, tmp_path,
        dataset=small.dataset, cct=small.cct, output=tmp_path,
    )  # fmt: skip
    assert done.pictures == 1
    assert done.tables == 2
    frames, written = json.loads(small.cct.read_text()), DatasetPaths(tmp_path)
    parts = [json.loads(written.split_frames(n).read_text()) for n in ("train", "val", "test")]
    places = [{image["location"] for image in part["images"]} for part in parts]
    assert not places[0] & places[1] | places[0] & places[2] | places[1] & places[2]
    known = {image["id"] for image in frames["images"]}
    assert {image["id"] for part in parts for image in part["images"]} <= known
    assert parts[0]["categories"] == frames["categories"]
