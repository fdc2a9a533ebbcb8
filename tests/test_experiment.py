import json

import pandas as pd
import pytest
import yaml

from classification.compare import parse as parse_compare
from classification.comparison.build import make_entrants
from classification.comparison.experiments import read_batch, run_experiment, run_experiments
from classification.config_compare import compare_problems
from classification.config_experiment import ExperimentOptions, variants
from classification.errors import FieldmarkError
from classification.experiment import parse
from classification.paths import ComparisonPaths
from tests.conftest import ROOT
from tests.tiny import make_dataset

BATCHES = sorted(ROOT.glob("runs/batches/*.yml"))
COMPARISONS = sorted(ROOT.glob("runs/comparisons/*.yml"))

SHORT = """-m ResNet34 -d EMNIST -ns 1 -nn 2 -e 3 -qs entropy_sampling -en x -p 4 -b 5 -lr 0.6
-wd 0.7 -pt -da -nr 8 -s 9"""
LONG = """--model ResNet34 --dataset EMNIST --n_start 1 --n_new 2 --epochs 3
--query_strategy entropy_sampling --experiment_name x --patience 4 --batch_size 5
--learning_rate 0.6 --weight_decay 0.7 --pretrained true --data_aug True --n_rounds 8
--init_sampling_seed 9"""


@pytest.fixture
def options(tmp_path):
    """An experiment of a second."""
    make_dataset(tmp_path / "tiny")

    def make(**fields):
        given = {
            "model": "ResNet20",
            "dataset": str(tmp_path / "tiny"),
            "n_start": 2,
            "n_new": 6,
            "epochs": 1,
            "query_strategy": "margin_sampling",
            "n_rounds": 1,
            "validation": 6,
            "image_size": 32,
            "output": tmp_path / "experiments",
        }
        return ExperimentOptions(**(given | fields))

    return make


def test_an_experiment_starts_with_so_many_labels_per_class_and_goes_on(options, tmp_path):
    table = run_experiment(options(experiment_name="first"))
    assert table["num_labels"].tolist() == [6, 12]
    assert table["strategy"].unique().tolist() == ["margin"]
    paths = ComparisonPaths(tmp_path / "experiments" / "first")
    assert json.loads(paths.details.read_text())["options"]["query_strategy"] == "margin_sampling"
    more = run_experiment(options(experiment_name="first", n_rounds=2))
    assert more["num_labels"].tolist() == [6, 12, 18]
    assert more["accuracy"].tolist()[:2] == table["accuracy"].tolist()
    assert len(pd.read_parquet(paths.results)) == 3


def test_a_folder_with_another_experiment_is_refused_with_what_differs(options):
    run_experiment(options(n_rounds=0))
    with pytest.raises(FieldmarkError) as caught:
        run_experiment(options(n_rounds=0, learning_rate=0.5, epochs=2))
    assert "learning_rate: was 0.0001, now 0.5" in str(caught.value)
    assert "epochs: was 1, now 2" in str(caught.value)


def test_a_batch_runs_every_combination_in_a_folder_of_its_own(options, tmp_path, capsys):
    path = tmp_path / "seeds.yml"
    common = {"model": "ResNet20", "n_start": 2, "epochs": 1, "n_rounds": 0, "image_size": 32}
    common |= {"dataset": str(tmp_path / "tiny"), "validation": 0}
    options()  # makes the dataset
    path.write_text(yaml.safe_dump({"common": common, "vary": {"init_sampling_seed": [0, 1]}}))
    found = parse(["--batch", str(path)])
    assert [e.experiment_name for e in found] == [
        "seeds-init_sampling_seed_0",
        "seeds-init_sampling_seed_1",
    ]
    found = parse(["--batch", str(path), "--output", str(tmp_path / "out"), "-e", "2"])
    assert [e.epochs for e in found] == [2, 2]
    run_experiments(found)
    assert len(list((tmp_path / "out").iterdir())) == 2
    assert "[2/2] seeds-init_sampling_seed_1" in capsys.readouterr().out


def test_the_documented_options_in_both_forms():
    (short,) = parse(SHORT.split())
    (long,) = parse(LONG.split())
    assert short == long
    config = short.compare_config()
    assert config.datasets == ("emnist_balanced",)
    assert config.models == ("resnet34",)
    assert config.strategies == ("entropy",)
    assert (config.weights, config.augment, config.optimiser) == ("default", "light", "adam")
    (plain,) = parse([])
    assert (plain.model, plain.n_start, plain.patience) == ("SqueezeNet11", 100, 4)
    assert plain.compare_config().weights == "none"


@pytest.mark.parametrize("path", BATCHES, ids=lambda p: p.stem)
def test_every_shipped_batch_can_be_run(path):
    found = [experiment.compare_config() for experiment in parse(["--batch", str(path)])]
    assert len({config.output for config in found}) == len(found) >= 10
    for config in found:
        assert not compare_problems(config)
        assert make_entrants(config.strategies, per_group=0)


@pytest.mark.parametrize("path", COMPARISONS, ids=lambda p: p.stem)
def test_every_shipped_comparison_can_be_run(path):
    config, _ = parse_compare(["--config", str(path)])
    assert not compare_problems(config)
    assert len(make_entrants(config.strategies, per_group=1)) >= 6
    assert config.seeds >= 5


def test_faults_of_a_batch_are_told_together(tmp_path):
    path = tmp_path / "b.yml"
    path.write_text("comon: {}\ncommon: {epoch: 3}\nvary: {model: ResNet34}\n")
    with pytest.raises(FieldmarkError) as caught:
        read_batch(path)
    for words in ("comon: unknown", "common.epoch: no such", "vary.model: must be a list"):
        assert words in str(caught.value)
    path.write_text("common: {epochs: 3}\n")
    with pytest.raises(FieldmarkError, match="vary: name options"):
        read_batch(path)


def test_names_of_experiments_are_folder_names():
    names = [v["experiment_name"] for v in variants("b", {"model": ["timm/x"], "epochs": [1]})]
    assert names == ["b-timm_x-epochs_1"]


def test_values_of_another_type_in_a_batch_are_told_together(tmp_path):
    path = tmp_path / "b.yml"
    path.write_text("common: {epochs: many}\nvary: {patience: [1, x]}\n")
    with pytest.raises(FieldmarkError) as caught:
        read_batch(path)
    for words in ("epochs: Expected a <class 'int'>. Got value: many", "Got value: x"):
        assert words in str(caught.value)
