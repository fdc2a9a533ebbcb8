import dataclasses

import pytest

from classification import config as cfg
from classification.errors import FieldmarkError
from classification.paths import RunPaths
from classification.settings import (
    Override,
    load_config,
    load_played,
    split_overrides,
    write_config,
)

STRATEGIES = ("auto", "random", "margin")


def load(tmp_path, text, *overrides):
    path = tmp_path / "config.yml"
    path.write_text(text)
    return load_config(path, [Override(key=k, text=t) for k, t in overrides], strategies=STRATEGIES)


def test_fields_come_from_the_file_then_the_command_line(tmp_path):
    text = "seed: 3\nquery: {size: 7, strategy: random}\nbackbone:\n  mean: [0.5, 0.5, 0.5]\n"
    config = load(tmp_path, text, ("query.size", "9"), ("data.dir", "007"))
    assert config.seed == 3
    assert (config.query.size, config.query.strategy) == (9, "random")
    assert config.backbone.mean == (0.5, 0.5, 0.5)
    assert config.data.dir == "007"  # a text field stays text
    assert config.rounds == cfg.RunConfig().rounds


def test_a_list_of_the_command_line_stands_in_place_of_that_of_the_file(tmp_path):
    text = "launch: {sagemaker: {subnets: [a, b], tags: [k=v]}}\n"
    launch = load(tmp_path, text, ("launch.sagemaker.subnets", "[c]")).launch.sagemaker
    assert (launch.subnets, launch.tags) == (("c",), ("k=v",))


def test_every_fault_of_file_and_command_line_is_in_one_error(tmp_path):
    text = """
seed: 1.5
querry: {size: 3}
query: {sise: 3, strategy: best}
head: 3
labels: {source: nobody}
backbone: {weights: none, mean: [0.5, 0.5]}
"""
    with pytest.raises(FieldmarkError) as raised:
        load(
            tmp_path,
            text,
            ("query.size", "many"),
            ("nosuch.field", "1"),
            ("rounds", "-1"),
            ("query.options.beta", "[2"),
        )
    message = str(raised.value)
    for expected in (
        "seed: Expected a <class 'int'>. Got value: 1.5",
        "querry.size: unknown field; did you mean: query.size",
        "query.sise: unknown field; did you mean: query.size",
        "query.strategy: 'best' is unknown; allowed: auto, random, margin",
        "head: unknown field; head holds: head.kind, head.C",
        "labels.source: Expected a Literal['oracle', 'store', 'timelapse']",
        "backbone.mean: Expected a tuple with 3 elements",
        "random backbone",
        "query.size: Expected a <class 'int'>. Got value: many",
        "nosuch.field: unknown field",
        "rounds: -1 is below 0",
        "query.options.beta: not valid YAML: [2",
    ):
        assert expected in message
    assert message.count("\n") == 12


@pytest.mark.parametrize(
    ("text", "expected"), [("- a\n", "must be a mapping"), ("a: [", "not valid YAML")]
)
def test_a_file_that_is_no_config_says_so(tmp_path, text, expected):
    with pytest.raises(FieldmarkError, match=expected):
        load(tmp_path, text)


def test_missing_file(tmp_path):
    with pytest.raises(FieldmarkError, match="config not found"):
        load_config(tmp_path / "none.yml", strategies=STRATEGIES)


def test_an_empty_file_is_the_defaults_and_survives_a_round_trip(tmp_path):
    config = load(tmp_path, "")
    assert config == cfg.RunConfig()
    changed = dataclasses.replace(config, seed=4, backbone=cfg.BackboneConfig(image_size=64))
    write_config(tmp_path / "again.yml", changed)
    assert load_config(tmp_path / "again.yml", strategies=STRATEGIES) == changed


def test_overrides_are_told_from_the_entry_points_own_options():
    own, overrides = split_overrides(
        ["--config", "c.yml", "--query.size=4", "--no-resume", "--seed", "7", "--x.y", "z"]
    )
    assert own == ["--config", "c.yml", "--no-resume"]
    assert [(o.key, o.text) for o in overrides] == [
        ("query.size", "4"),
        ("seed", "7"),
        ("x.y", "z"),
    ]


def test_what_finished_rounds_depend_on_may_not_change():
    before = cfg.to_dict(cfg.RunConfig())
    moved = cfg.RunConfig(
        seed=1,
        rounds=9,
        data=cfg.DataConfig(dir="elsewhere"),
        launch=cfg.LaunchConfig(threads=3),
        query=cfg.QueryConfig(size=3),
    )
    assert cfg.changes_refused(before, moved) == [
        "data.dir: was 'data/processed/demo', now 'elsewhere'",
        "seed: was 0, now 1",
    ]


def test_options_of_a_strategy_come_from_file_and_command_line(tmp_path):
    text = "query: {strategy: margin, options: {target: 3, kind: far}}"
    config = load(tmp_path, text, ("query.options.target", "4"), ("query.options.share", "0.5"))
    assert config.query.options == {"target": 4, "kind": "far", "share": 0.5}


def test_between_rounds_a_run_is_what_its_newest_round_was_played_with(tmp_path):
    run = RunPaths(tmp_path)
    run.config.write_text("data: {dir: data/processed/demo}\nlabels: {annotator: ann}\nrounds: 3\n")
    assert load_played(run.config, strategies=["auto"]).data.dir == "data/processed/demo"
    said = {"data.dir": "mine", "labels.source": "store", "labels.annotator": "b", "rounds": "5"}
    given = [Override(key=key, text=text) for key, text in said.items()]
    write_config(run.round(0).config, load_config(run.config, given, strategies=["auto"]))
    run.round(0).metrics.write_text("{}")
    played = load_played(run.config, strategies=["auto"])
    assert played.data.dir == "mine"  # the rounds rest on it
    assert played.labels.source == "store"  # the file says nothing of it
    assert (played.labels.annotator, played.rounds) == ("ann", 3)  # the file's, and may change
    override = Override(key="data.dir", text="moved")
    assert load_played(run.config, [override], strategies=["auto"]).data.dir == "moved"
    assert load_played(None, strategies=["auto"]).data.dir == cfg.RunConfig().data.dir
