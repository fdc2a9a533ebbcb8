"""predict.py gives what the run that trained the model gave, on splits and on any folder."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from classification.errors import FieldmarkError
from classification.inference import predict_folder, predict_split
from classification.launch import Job
from classification.launch.local import LocalLauncher
from classification.paths import DatasetPaths
from classification.query.names import STRATEGY_NAMES
from classification.schemas import CropTable, write_csv
from classification.settings import load_config
from tests.tiny import make_dataset, make_tiny


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A finished run with a fine-tuned backbone, and its configuration."""
    tiny = make_tiny(tmp_path_factory.mktemp("predict"), rounds=1)
    config = load_config(tiny.run.config, strategies=STRATEGY_NAMES)
    LocalLauncher().submit(Job(config=config, run=tiny.run.root, resume=True))
    return tiny, config


@pytest.mark.parametrize("split", ["val", "test"])
@pytest.mark.parametrize("source", ["newest", "round", "export"])
def test_a_split_gets_the_probabilities_and_scores_of_the_run(trained, tmp_path, split, source):
    tiny, config = trained
    checkpoint = {"newest": None, "round": tiny.run.round(1).root, "export": tiny.run.export}
    output = tmp_path / f"{split}.csv"
    predict_split(config, tiny.run.root, split, checkpoint=checkpoint[source], output=output)
    table = pd.read_csv(output).set_index("path")
    expected = pd.read_parquet(tiny.run.round(1).predictions).set_index("path")
    expected = expected[expected["split"] == split]
    assert set(table.index) == set(expected.index)
    columns = [c for c in table if c.startswith("p_")]
    assert len(columns) == 3
    assert np.allclose(table[columns], expected.loc[table.index, columns], atol=2e-4)
    scores = json.loads(output.with_suffix(".metrics.json").read_text())
    run = json.loads(tiny.run.round(1).metrics.read_text())[split]
    assert scores["accuracy"] == pytest.approx(run["accuracy"])
    assert scores["confusion"] == run["confusion"]


def test_the_export_needs_nothing_of_the_run(trained, tmp_path):
    tiny, config = trained
    moved = tmp_path / "elsewhere"
    shutil.copytree(tiny.run.export, moved)
    predict_split(config, tmp_path, "test", checkpoint=moved, output=tmp_path / "out.parquet")
    assert len(pd.read_parquet(tmp_path / "out.parquet")) == 18


def test_a_folder_of_images_and_the_ones_that_cannot_be_read(trained, tmp_path):
    tiny, config = trained
    images = tmp_path / "images" / "camera 1"
    images.mkdir(parents=True)
    for crop in sorted(tiny.data.crops.iterdir())[:5]:
        shutil.copy(crop, images)
    (images / "broken.JPG").write_bytes(b"no image")
    (images / "notes.txt").write_text("no image either, and not meant to be one")
    output = tmp_path / "out.csv"
    predict_folder(config, tiny.run.root, images.parent, checkpoint=None, output=output)
    table = pd.read_csv(output)
    assert len(table) == 5
    assert table["path"].str.startswith("camera 1/").all()
    assert set(table["prediction"]) <= {"cat", "deer", "fox"}
    failed = pd.read_csv(output.with_suffix(".failed.csv"))
    assert failed[["path", "reason"]].to_numpy().tolist() == [["camera 1/broken.JPG", "unreadable"]]


def test_bad_input_is_named(trained, tmp_path):
    tiny, config = trained
    with pytest.raises(FieldmarkError, match="folder of images not found"):
        predict_folder(config, tiny.run.root, tmp_path / "no", checkpoint=None, output=None)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FieldmarkError, match="no readable image"):
        predict_folder(config, tiny.run.root, tmp_path / "empty", checkpoint=None, output=None)
    with pytest.raises(FieldmarkError, match="no trained round"):
        predict_split(config, tmp_path, "test", checkpoint=None, output=None)
    with pytest.raises(FieldmarkError, match="no model in"):
        predict_split(config, tiny.run.root, "test", checkpoint=tmp_path, output=None)
    corrupt = tmp_path / "corrupt"
    shutil.copytree(tiny.run.export, corrupt)
    (corrupt / "model.safetensors").write_bytes(b"\0" * 64)
    with pytest.raises(FieldmarkError, match="weights cannot be read"):
        predict_split(config, tiny.run.root, "test", checkpoint=corrupt, output=None)
    (corrupt / "model.safetensors").write_bytes(
        (tiny.run.export / "model.safetensors").read_bytes()
    )
    (corrupt / "model.json").write_text('{"backbone": "resnet18"}')
    with pytest.raises(FieldmarkError, match="not a model card"):
        predict_split(config, tiny.run.root, "test", checkpoint=corrupt, output=None)


def test_a_model_of_other_classes_is_refused(trained, tmp_path):
    tiny, config = trained
    other = make_dataset(tmp_path / "other")
    index = json.loads(other.label_index.read_text()) | {"3": "wolf"}
    other.label_index.write_text(json.dumps(index))
    table = pd.read_csv(other.table)
    for location in range(10):
        row = table.index[table["location"] == f"cam{location}"][0]
        table.loc[row, "label"] = "wolf"
    table.to_csv(other.table, index=False)
    path = tmp_path / "config.yml"
    path.write_text(tiny.run.config.read_text().replace(str(tiny.data.root), str(other.root)))
    config = load_config(path, strategies=STRATEGY_NAMES)
    with pytest.raises(FieldmarkError, match=r"model knows cat, deer, fox; .* holds .*wolf"):
        predict_split(config, tiny.run.root, "test", checkpoint=None, output=None)


def test_recognitions_for_timelapse_hold_every_image_once(trained, tmp_path):
    tiny, config = trained
    table = pd.read_csv(tiny.data.table)
    crops = pd.DataFrame(
        {
            "path": table["path"],
            "image_id": table["image_id"],
            "annotation_id": table["annotation_id"],
            "status": "crop",
            "reason": None,
            "source": table["path"].str.partition("___")[0],
            "source_width": 64.0,
            "source_height": 64.0,
            "width": 32.0,
            "height": 32.0,
            "sha256": table["sha256"],
            "box": "[16, 16, 32, 32]",
        }
    )
    data = DatasetPaths(tmp_path / "data")
    shutil.copytree(tiny.data.root, data.root)
    crops.to_csv(data.crop_table, index=False)
    config = replace(config, data=replace(config.data, dir=str(data.root)))
    where = {
        "checkpoint": None,
        "output": tmp_path / "out.csv",
        "recognitions": tmp_path / "r.json",
    }
    predict_split(config, tiny.run.root, "test", **where)
    value = json.loads((tmp_path / "r.json").read_text())
    predictions = pd.read_csv(tmp_path / "out.csv").set_index("path")["prediction"]
    assert len(value["images"]) == 18
    for image in value["images"]:
        (box,) = image["detections"]
        assert box["bbox"] == [0.25, 0.25, 0.5, 0.5]
        best = value["classification_categories"][box["classifications"][0][0]]
        assert best == predictions[predictions.index.str.startswith(image["file"] + "___")].item()

    (data.crops / "broken.jpg").write_bytes(b"no image")
    predict_folder(config, tiny.run.root, data.crops, **where)
    value = json.loads((tmp_path / "r.json").read_text())
    assert len(value["images"]) == 91
    assert value["images"][0]["file"] == "broken.jpg"
    assert value["images"][0]["failure"].startswith("Failure image access")


def test_crops_of_new_cameras_are_traced_to_their_frames(trained, tmp_path, capsys):
    tiny, config = trained
    new = type(tiny.data)(tmp_path / "new")
    new.crops.mkdir(parents=True)
    names = [f"cam 7/{n}.jpg___crop_{n}_{box}.jpg" for n in (1, 2) for box in (0, 1)]
    (new.crops / "cam 7").mkdir()
    for name, crop in zip(names, sorted(tiny.data.crops.iterdir()), strict=False):
        shutil.copy(crop, new.crops / name)
    crops = pd.DataFrame(
        {"path": names, "image_id": "i", "annotation_id": "a", "status": "crop", "reason": None,
         "source": [name.split("___")[0] for name in names], "source_width": 200,
         "source_height": 100, "width": 32, "height": 32, "sha256": "0",
         "box": ["[0.0, 0.0, 50.0, 50.0]", "[100.0, 50.0, 100.0, 50.0]"] * 2}
    )  # fmt: skip
    write_csv(new.crop_table, crops, CropTable)
    out, recognitions = tmp_path / "out.csv", tmp_path / "r.json"
    predict_folder(
        config, tiny.run.root, new.crops, checkpoint=None, output=out, recognitions=recognitions
    )
    table = pd.read_csv(out)
    assert dict(zip(table["path"], table["source"], strict=True)) == {
        name: name.split("___")[0] for name in names
    }
    value = json.loads(recognitions.read_text())
    assert {
        image["file"]: [box["bbox"] for box in image["detections"]] for image in value["images"]
    } == {f"cam 7/{n}.jpg": [[0.0, 0.0, 0.25, 0.5], [0.5, 0.5, 0.5, 0.5]] for n in (1, 2)}
    said = capsys.readouterr().out
    assert "2 images for Timelapse" in said
    assert "no crops" not in said


def test_whole_frames_are_told_from_crops(trained, tmp_path, capsys):
    tiny, config = trained
    frames = tmp_path / "frames"
    frames.mkdir()
    shutil.copy(next(iter(sorted(tiny.data.crops.iterdir()))), frames / "IMG_0001.jpg")
    predict_folder(config, tiny.run.root, frames, checkpoint=None, output=tmp_path / "out.csv")
    assert "these images are no crops" in capsys.readouterr().out
    assert "source" not in pd.read_csv(tmp_path / "out.csv")
