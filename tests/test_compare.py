import json
import shutil

import numpy as np
import pandas as pd
import pytest

from classification.compare import parse
from classification.comparison.build import make_entrants
from classification.comparison.compare import compare
from classification.config_compare import CompareConfig
from classification.errors import FieldmarkError
from classification.learning.backbones import build_backbone, write_weights
from classification.paths import ComparisonPaths
from tests.tiny import make_dataset


def config(folder, **fields):
    """A comparison of a second: small images, trained for one epoch."""
    given = {
        "datasets": (str(folder / "tiny"),),
        "strategies": ("margin",),
        "models": ("resnet20",),
        "training": "end_to_end",
        "weights": "none",
        "image_size": 32,
        "start": 6,
        "batch": 6,
        "rounds": 1,
        "seeds": 2,
        "epochs": 1,
        "batch_size": 8,
        "output": folder / "out",
        "processes": 2,
    }
    return CompareConfig(**(given | fields))


def test_a_comparison_writes_its_tables_and_says_what_may_be_claimed(tmp_path, capsys):
    make_dataset(tmp_path / "tiny")
    table = compare(config(tmp_path))
    assert set(table["strategy"]) == {"random", "margin"}
    assert set(table["model"]) == {"resnet20"}
    paths = ComparisonPaths(tmp_path / "out")
    assert "recall of each class" in (page := paths.report.read_text())
    assert ", which takes" in page
    assert r"\begin{tabular}" in paths.latex.read_text()
    assert set(pd.read_csv(paths.class_gains)["strategy"]) == {"random", "margin"}
    assert pd.read_csv(paths.summary)["strategy"].nunique() == 2
    assert pd.read_csv(paths.wins, index_col=0).shape == (2, 2)
    assert json.loads(paths.details.read_text())["options"]["rounds"] == 1
    said = capsys.readouterr().out
    assert "2 seeds: too few to claim anything" in said
    again = compare(config(tmp_path, rounds=2))  # goes on
    assert len(again) == 2 * 2 * 3
    assert again[again["round"] < 2]["macro_f1"].tolist() == table["macro_f1"].tolist()


def test_a_pool_that_is_too_small_for_the_rounds_is_told(tmp_path, capsys):
    np.savez(tmp_path / "a.npz", embeddings=np.eye(40), labels=np.arange(40) % 2)
    own = {"datasets": (str(tmp_path / "a.npz"),), "training": "frozen", "weights": "default"}
    compare(config(tmp_path, **own, seeds=1, batch=10, rounds=3, processes=0))
    said = capsys.readouterr().out
    assert "note: a: its pool of 30 items is labelled before the last round" in said
    with pytest.raises(FieldmarkError, match="start: 30 labels are the whole pool of a, 30 items"):
        compare(config(tmp_path, **own, start=30))


def test_a_comparison_that_is_refused_leaves_the_record_of_the_other(tmp_path):
    make_dataset(tmp_path / "tiny")
    one = config(tmp_path, seeds=1, processes=0)
    compare(one)
    paths = ComparisonPaths(one.output)
    before = paths.details.read_text()
    with pytest.raises(FieldmarkError, match="result of other protocol"):
        compare(config(tmp_path, seeds=1, processes=0, batch=5))
    assert paths.details.read_text() == before


def test_frozen_embeddings_of_image_folders_keep_their_test(tmp_path):
    data = make_dataset(tmp_path / "tiny")
    for row in pd.read_csv(data.table).itertuples():
        folder = tmp_path / "images" / row.label
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(data.crops / row.path, folder)
    weights = tmp_path / "weights.safetensors"
    write_weights(weights, build_backbone("timm/test_resnet", "none", seed=0).state_dict())
    frozen = {"training": "frozen", "models": ("timm/test_resnet",), "weights": str(weights)}
    done = compare(config(tmp_path, datasets=(str(tmp_path / "images"),), **frozen))
    assert done["split"].nunique() == 1
    assert done["model"].unique().tolist() == ["timm/test_resnet, frozen"]


def test_yaml_and_command_line_give_the_same_fields(tmp_path):
    path = tmp_path / "c.yml"
    path.write_text(
        "datasets: [a, b]\nseeds: 7\nmean: [0.5, 0.5, 0.5]\n"
        "strategies: [margin, {name: half, strategy: margin, passive: 0.5}]\n"
    )
    found, folders = parse(["--config", str(path), "--seeds", "9", "--output", "x"])
    assert (found.datasets, found.seeds, found.mean) == (("a", "b"), 9, (0.5, 0.5, 0.5))
    assert not folders
    entrants = make_entrants(found.strategies, per_group=1)
    assert [e.name for e in entrants] == ["random", "margin", "half"]
    assert entrants[2].options == {"per_group": 1, "passive": 0.5}
    assert not entrants[0].options


@pytest.mark.parametrize("given", [["--datasets", "c", "d"], ["--datasets", "c", "--datasets=d"]])
@pytest.mark.parametrize("last", [True, False])
def test_a_list_on_the_command_line_stands_in_place_of_that_of_the_file(tmp_path, given, last):
    path = tmp_path / "c.yml"
    path.write_text("datasets: [a, b]\nstrategies: [margin, badge]\nseeds: 7\n")
    given = [*given, "--strategies", "entropy", "--seeds", "9"]
    file = ["--config", str(path)]
    found, _ = parse([*file, *given] if last else [*given, *file])
    assert (found.datasets, found.strategies, found.seeds) == (("c", "d"), ("entropy",), 9)


def test_faults_of_the_file_are_told_together(tmp_path):
    path = tmp_path / "c.yml"
    path.write_text("datasets: [a]\nseed: 7\nrounds: many\nscore: f1\nmean: [0.5]\n")
    with pytest.raises(FieldmarkError) as caught:
        parse(["--config", str(path)])
    for words in (
        "seed: unknown field; did you mean: seeds",
        "rounds: Expected a <class 'int'>. Got value: many",
        "score: Expected a Literal['macro_f1', 'accuracy', 'balanced_accuracy']",
        "mean: Expected a tuple with 3 elements",
    ):
        assert words in str(caught.value)
    with pytest.raises(FieldmarkError, match="config not found"):
        parse(["--config", str(tmp_path / "nowhere.yml")])


def test_an_option_is_named_in_full(capsys):
    with pytest.raises(SystemExit):
        parse(["--seed", "4"])  # might be seeds, or first_seed
    assert "--seed" in capsys.readouterr().err


def test_faults_of_the_configuration_are_told_together(tmp_path):
    with pytest.raises(FieldmarkError) as caught:
        compare(config(tmp_path, seeds=0, target=2.0, training="frozen", datasets=()))
    for words in ("seeds: 0 is below 1", "target: 2.0", "weights: none with", "datasets: name one"):
        assert words in str(caught.value)
    with pytest.raises(FieldmarkError) as caught:
        make_entrants(["margn", {"strategy": "kcenter", "colour": 1}], per_group=0)
    assert "did you mean margin" in str(caught.value)
    assert "has no option 'colour'" in str(caught.value)
