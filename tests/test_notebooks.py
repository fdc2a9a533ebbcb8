"""The notebooks run from both folders, show what they should, and hold no functions or outputs."""

import ast
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient

from classification.data.clean.step import combine_datasets
from classification.data.create_dataset import create_classification_dataset
from classification.data.crops import crop_detections
from classification.data.options import ClassificationDatasetOptions, CombineOptions, CropOptions
from classification.data.sample.dataset import make_sample_dataset
from classification.data.sample.options import SampleOptions
from classification.paths import InterimPaths, SamplePaths
from tests.conftest import ROOT
from tests.runs import write_run

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
