import re

import numpy as np
import pandas as pd
import pytest

from classification.errors import FieldmarkError
from classification.evaluation.model_card import model_card
from classification.evaluation.queries import query_positions, query_state, run_embeddings
from classification.evaluation.record import read_run
from classification.evaluation.trust import trust
from classification.files import write_json
from classification.paths import EmbeddingPaths, RunPaths
from tests.test_report import CLASSES, fabricate

NAMES = [f"{i:03d}.jpg" for i in range(150)]


def card(run, **options):
    record = read_run(run.root)
    judged = trust(record, rng=np.random.default_rng(0), resamples=50)
    return model_card(record, judged, **options)


def test_the_card_says_what_it_is_how_good_and_where_not(tmp_path):
    run = fabricate(tmp_path / "resnet18/first", NAMES, rounds=6, per_round=10, audit=3)
    text = card(run, licence="CC-BY-4.0", contact="Ada")
    headings = re.findall(r"^##? (.+)$", text, flags=re.M)
    assert headings == [
        "resnet18/first", "Model", "What it learned from", "How good it is",
        "How far to trust it", "Where it fails", "Not for",
    ]  # fmt: skip
    assert "CC-BY-4.0" in text
    assert "Ada" in text
    assert re.search(r"50 labels.*right on \d+% of 60 images from \d+ cameras", text)
    assert all(re.search(rf"^\| {name} \|", text, flags=re.M) for name in CLASSES)
    assert re.search(r"by 12 labels drawn at random: \d+% right \(\d+–\d+%\)", text)
    assert "10 further labels are expected to add" in text
    assert re.search(r"\*\*\w+\*\* has \d+ images in test: its scores prove little", text)


def test_names_cannot_break_the_table(tmp_path):
    run = fabricate(tmp_path / "m/run", NAMES, classes=["a|b", "c"])
    assert "| a\\|b |" in card(run)


def test_a_run_without_a_model_has_no_card(tmp_path):
    run = fabricate(tmp_path / "m/run", NAMES, rounds=1)
    with pytest.raises(FieldmarkError, match="no scored model yet"):
        card(run)


QUERIES = {
    0: pd.DataFrame({"path": ["b", "gone"]}),
    1: pd.DataFrame({"path": ["a"]}),
}


def test_queries_are_found_in_the_dataset_and_the_newest_is_new():
    positions = query_positions(QUERIES, ["a", "b", "c"])
    assert {name: rows.tolist() for name, rows in positions.items()} == {"0": [1], "1": [0]}
    assert query_state(QUERIES, ["a", "b", "c"]).tolist() == [2, 1, 0]
    assert query_state({}, ["a"]).tolist() == [0]


def test_only_a_whole_store_of_the_right_length_is_read(tmp_path):
    run = RunPaths(tmp_path)
    assert run_embeddings(tmp_path, rows=4) is None
    run.embeddings.mkdir()
    for key, rows, done in (("half", 4, 2), ("other", 9, 9), ("whole", 4, 4)):
        store = EmbeddingPaths(run.embeddings, key)
        np.save(store.array, np.full((rows, 2), done, dtype=np.float32))
        write_json(store.progress, {"rows": rows, "dim": 2, "done": done})
    found = run_embeddings(tmp_path, rows=4)
    assert found is not None
    assert (found == 4).all()
