"""The app over a run, and the run over what the app stored."""

import socket
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from classification.app.of_run import state_of_run, take_next_round
from classification.app.orders import ready
from classification.app.reservations import Seats
from classification.app.seats import Answer, Seat
from classification.app.selections import Wish
from classification.errors import FieldmarkError
from classification.files import read_json
from classification.query.names import STRATEGY_NAMES
from classification.settings import load_config
from tests.test_label_rounds import play
from tests.tiny import hide_labels, make_tiny, write_config


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return make_tiny(tmp_path_factory.mktemp("app_runs"))


@pytest.fixture
def tiny(template, tmp_path):
    """A run on images nobody has labelled, which waits for its first labels."""
    fresh = type(template)(
        data=hide_labels(template.data, tmp_path / "data"),
        run=type(template.run)(tmp_path / "runs" / "test" / "tiny"),
    )
    write_config(fresh, **{"labels.source": "store", "rounds": 2, "labels.new_classes": "accept"})
    play(fresh)
    return fresh


def state_of(tiny, **options):
    config = load_config(tiny.run.config, [], strategies=STRATEGY_NAMES)
    return state_of_run(config, tiny.run, annotator="ann", **options)


def label_query(state, truth):
    """Label what the round asked for, in the order it comes on the screen."""
    seat = Seat(state, Seats(), name="tab", annotator="ann")
    seat.choose(Wish(which="query", order="given"), np.random.default_rng(0))
    while shown := seat.fill(1):
        seat.decide(shown[:1], Answer(verdict="label", label=truth[state.items.names[shown[0]]]))


def test_labels_of_the_app_are_what_the_next_round_learns_from(tiny, template):
    table = pd.read_csv(template.data.table)
    truth = dict(zip(table["path"], table["label"], strict=True))
    state = state_of(tiny)
    query = pd.read_csv(tiny.run.round(0).query)["path"].tolist()
    assert [state.items.names[i] for i in state.query] == query
    assert state.probs is None
    assert "entropy" not in ready(state)
    label_query(state, truth)
    play(tiny)
    train = pd.read_csv(tiny.run.round(1).train)
    assert set(train["path"]) == set(query)
    assert set(train["source"]) == {"app"}

    later = state_of(tiny)
    assert later.round == 1
    assert {"entropy", "badge", "nearest"} <= set(ready(later))
    assert later.embeddings is not None
    assert np.allclose(later.probs.sum(axis=1), 1, atol=1e-3)
    again = later.head.predict(np.asarray(later.embeddings, dtype=np.float32), len(later.classes))
    assert np.allclose(again, later.probs, atol=1e-4)


def test_a_class_added_in_the_app_is_a_class_of_the_next_round(tiny, template):
    state = state_of(tiny)
    state.add_class("lynx")
    names = [state.items.names[i] for i in state.query]
    truth = dict.fromkeys(names, "lynx") | dict.fromkeys(names[:4], state.classes[0])
    label_query(state, truth)
    play(tiny)
    classes = read_json(tiny.run.round(1).metrics, what="metrics")["classes"]
    assert classes[-1] == "lynx"
    assert state_of(tiny).classes == classes


def test_an_open_app_goes_on_with_the_next_round(tiny, template):
    table = pd.read_csv(template.data.table)
    config = load_config(tiny.run.config, [], strategies=STRATEGY_NAMES)
    state, heard = state_of(tiny), []
    assert not take_next_round(state, config, tiny.run)
    for name in ("zebra", "ant"):  # the run will sort them
        state.add_class(name)
    names = [state.items.names[i] for i in state.query]
    truth = dict(zip(table["path"], table["label"], strict=True))
    truth |= {names[0]: "zebra", names[1]: "ant"}
    label_query(state, truth)
    play(tiny)
    state.watch(heard.append)
    assert take_next_round(state, config, tiny.run)
    assert "round" in heard
    assert state.round == 1
    query = pd.read_csv(tiny.run.round(1).query)["path"].tolist()
    assert [state.items.names[i] for i in state.query] == query
    assert state.classes[-2:] == ["zebra", "ant"]
    predictions = pd.read_parquet(tiny.run.round(1).predictions)
    assert np.allclose(state.probs[:, -2], predictions["p_zebra"])
    assert state.head is None


def test_the_oracle_s_hidden_labels_are_not_shown(template):
    write_config(template, **{"labels.source": "oracle"})
    state = state_of(template)
    train = state.items.split == "train"
    assert state.unlabelled[train].all()
    assert not state.unlabelled[~train].any()


def test_predictions_of_another_dataset_are_refused(tiny, template):
    table = pd.read_csv(template.data.table)
    label_query(state_of(tiny), dict(zip(table["path"], table["label"], strict=True)))
    play(tiny)
    path = tiny.run.round(1).predictions
    pd.read_parquet(path).iloc[::-1].to_parquet(path, index=False)
    with pytest.raises(FieldmarkError, match="other items than the dataset"):
        state_of(tiny)


def test_the_command_says_what_is_wrong_in_a_line(tiny, root):
    def serve(*words):
        command = [sys.executable, "classification/label.py", "serve", "--config"]
        command += [str(tiny.run.config), *words]
        return subprocess.run(command, cwd=root, capture_output=True, text=True)

    found = serve("--images-dir", "nowhere")
    assert (found.returncode, found.stderr) == (1, "error: folder of images not found: nowhere\n")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        found = serve("--port", str(port))
    assert found.returncode == 1
    assert f"error: cannot listen on 127.0.0.1, port {port}" in found.stderr
