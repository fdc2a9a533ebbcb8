import json
import shutil
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest

from classification.config import TrackingConfig
from classification.files import read_json, write_json
from classification.learning.model import load_classifier
from classification.paths import ExportPaths, RunPaths
from classification.paths.versions import VersionPaths
from classification.tracking import make_tracker
from classification.versions.champion import champion_of
from classification.versions.register import register_version, version_tags
from tests.mortal import make_mortal
from tests.versions.made import finish, record_of


def changed(export, folder, **values):
    """The same model with another card."""
    shutil.copytree(export.root, folder)
    copy = ExportPaths(folder)
    write_json(copy.card, read_json(copy.card, what="card") | values)
    return copy


def version_at(client, alias):
    return str(client.get_model_version_by_alias("critters", alias).version)


def test_the_first_model_is_champion_and_carries_what_its_users_need(client, new_run, export):
    run = new_run()
    said = register_version(
        client, name="critters", run=run, export=export, record=record_of(export)
    )
    assert said == (
        "registered critters version 1 as challenger and champion: "
        "the first champion, macro-F1 0.700"
    )
    version = client.get_model_version_by_alias("critters", "champion")
    assert version_at(client, "challenger") == "1"
    assert version.run_id == run.info.run_id
    assert json.loads(version.tags["classes"]) == ["deer", "fox", "puma", "élan"]
    assert json.loads(version.tags["preprocessing"])["image_size"] == 64
    assert version.tags["data.test_split"] == "ef" * 32
    assert (version.tags["num_labels"], version.tags["test.macro_f1"]) == ("40", "0.7")
    kept = VersionPaths(Path(unquote(urlsplit(version.source).path)))
    assert load_classifier(kept.release.root).card.classes == ("deer", "fox", "puma", "élan")
    assert read_json(kept.release.record, what="record") == record_of(export)
    assert len(client.get_run(run.info.run_id).outputs.model_outputs) == 1


def test_whoever_asks_for_the_champion_gets_the_traced_model(client, new_run, export, tiny_program):
    import mlflow

    register_version(
        client, name="critters", run=new_run(), export=export, record=record_of(export)
    )
    served = mlflow.pyfunc.load_model("models:/critters@champion")
    program = mlflow.pyfunc.load_model(str(tiny_program))
    images = np.random.default_rng(0).random((3, 3, 64, 64), dtype=np.float32)
    assert (served.predict(images) == program.predict(images)).all()
    assert served.metadata.signature == program.metadata.signature
    assert served.metadata.metadata["classes"] == ["deer", "fox", "puma", "élan"]


def test_a_model_is_registered_once_for_each_run_and_round(client, new_run, export, tmp_path):
    run = new_run()
    register_version(client, name="critters", run=run, export=export, record=record_of(export))
    client.set_registered_model_alias("critters", "champion", "1")
    register_version(
        client,
        name="critters",
        run=new_run(),
        export=export,
        record=record_of(export, macro_f1=0.8),
    )
    client.set_registered_model_alias("critters", "champion", "1")  # somebody rolled back
    assert (
        register_version(client, name="critters", run=run, export=export, record=record_of(export))
        == ""
    )
    assert (version_at(client, "champion"), version_at(client, "challenger")) == ("1", "2")
    later = changed(export, tmp_path / "later", round=3)
    register_version(
        client, name="critters", run=run, export=later, record=record_of(later, macro_f1=0.8)
    )
    assert (version_at(client, "champion"), version_at(client, "challenger")) == ("3", "3")


@pytest.mark.parametrize(
    ("score", "split", "wins"),
    [(0.71, "ef" * 32, True), (0.7, "ef" * 32, False), (0.6, "ef" * 32, False), (0.9, "x", False)],
)
def test_a_challenger_becomes_champion_only_when_it_is_better_on_the_same_test(
    client, new_run, export, tmp_path, score, split, wins
):
    register_version(
        client, name="critters", run=new_run(), export=export, record=record_of(export)
    )
    other = changed(export, tmp_path / "other", data={"test_split": split})
    said = register_version(
        client,
        name="critters",
        run=new_run(),
        export=other,
        record=record_of(other, macro_f1=score),
    )
    assert version_at(client, "challenger") == "2"
    assert version_at(client, "champion") == ("2" if wins else "1")
    assert client.get_model_version("critters", "2").description == said


def test_a_model_that_was_never_tested_does_not_become_champion(client, new_run, export):
    said = register_version(
        client, name="critters", run=new_run(), export=export, record=record_of(export, test=None)
    )
    assert said.endswith("as challenger: it was not measured on a test split")
    assert champion_of(client, "critters") is None
    assert champion_of(client, "no such model") is None


def test_a_registration_killed_at_any_point_is_taken_up_again(client, new_run, export, monkeypatch):
    steps = (
        "create_logged_model",
        "log_outputs",
        "log_model_artifacts",
        "finalize_logged_model",
        "create_registered_model",
        "create_model_version",
        "set_registered_model_alias",
        "set_model_version_tag",
        "update_model_version",
    )
    left = make_mortal(monkeypatch, client, steps)
    for calls in range(1, 30):
        run, left[0] = new_run(), calls
        name = f"killed after {calls}"
        try:
            register_version(client, name=name, run=run, export=export, record=record_of(export))
            break
        except KeyboardInterrupt:
            left[0] = 10**9
            register_version(client, name=name, run=run, export=export, record=record_of(export))
        (version,) = client.search_model_versions(f"name = '{name}'")
        champion = champion_of(client, name)
        assert champion is not None
        assert str(champion.version) == str(version.version) == "1"
        models = client.search_logged_models([run.info.experiment_id])
        assert [m.source_run_id for m in models].count(run.info.run_id) == 1
    assert calls > 9


def test_a_network_that_cannot_be_traced_is_named_and_kept_with_the_run(
    client, new_run, export, monkeypatch
):
    def cannot(*_):
        raise RuntimeError("data-dependent branching\nand a page of graph")

    monkeypatch.setattr("classification.versions.register.save_program", cannot)
    run = new_run()
    said = register_version(
        client, name="critters", run=run, export=export, record=record_of(export)
    )
    assert said.startswith(
        "warning: torch.export cannot trace squeezenet1_1 (RuntimeError: data-dependent branching)"
    )
    assert "classification/predict.py" in said
    assert len(said.splitlines()) == 1
    assert client.search_registered_models() == []
    assert len(client.list_artifacts(run.info.run_id, "export")) == 2


def test_a_full_disk_is_not_taken_for_a_network_that_cannot_be_traced(
    client, new_run, export, monkeypatch
):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("classification.versions.register.save_program", full)
    with pytest.raises(OSError, match="No space left"):
        register_version(
            client, name="critters", run=new_run(), export=export, record=record_of(export)
        )


def test_the_tracker_registers_under_the_name_of_the_folder(client, export, tmp_path, capfd):
    paths = RunPaths(tmp_path / "runs" / "squeezenet" / "first")
    finish(paths, export)
    paths.model_card.write_text("# critters")
    tracker = make_tracker(TrackingConfig(), paths)
    tracker.register(ExportPaths(paths.export))
    tracker.register(ExportPaths(paths.export))
    assert capfd.readouterr() == (
        "registered squeezenet-first version 1 as challenger and champion: "
        "the first champion, macro-F1 0.700\n",
        "",
    )
    version = client.get_model_version("squeezenet-first", "1")
    kept = VersionPaths(Path(unquote(urlsplit(version.source).path)))
    assert kept.release.page.read_text() == "# critters"
    named = make_tracker(TrackingConfig(register_as="critters"), paths)
    named.register(ExportPaths(paths.export))
    assert "registered critters version 1" in capfd.readouterr().out


def test_names_of_very_many_classes_keep_no_model_out_of_an_older_registry(export):
    record = record_of(export) | {"classes": [f"species number {i}" for i in range(400)]}
    tags = version_tags(record)
    assert "classes" not in tags
    assert tags.keys() == version_tags(record_of(export)).keys() - {"classes"}
