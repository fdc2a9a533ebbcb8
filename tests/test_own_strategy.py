"""A strategy of one's own in a run of train.py."""

import pandas as pd
import pytest

from classification.errors import FieldmarkError
from classification.files import read_json, sha256_bytes
from classification.launch import Job
from classification.launch.local import LocalLauncher
from classification.query.names import STRATEGY_NAMES
from classification.settings import load_config
from tests.tiny import make_tiny, write_config

FILE = """
import numpy as np

def last(pool, n, rng, *, skip: int = 0):
    assert pool.probs is not None
    return np.roll(pool.unlabelled[::-1], -skip)[:n]
"""


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    return path


def play(tiny):
    config = load_config(tiny.run.config, [], strategies=STRATEGY_NAMES)
    LocalLauncher().submit(Job(config=config, run=tiny.run.root, resume=True))


def test_a_run_asks_by_it_once_there_is_a_model(mine, tmp_path):
    own = {"query.strategy": f"{mine}:last", "rounds": 1}
    tiny = make_tiny(tmp_path, **own)
    play(tiny)
    write_config(tiny, **own | {"rounds": 2, "query.options": {"skip": 1}})
    play(tiny)
    first, second, third = (pd.read_csv(tiny.run.round(i).query) for i in range(3))
    assert set(first["strategy"]) == {"random"}
    pool = pd.read_csv(tiny.data.table)["path"]
    train = [path for path in pool if path in set(second["path"]) | set(third["path"])]
    assert set(second["strategy"]) == set(third["strategy"]) == {f"{mine}:last"}
    assert second["path"].tolist() == sorted(second["path"], key=train.index, reverse=True)
    data = read_json(tiny.run.round(1).provenance, what="provenance")["data"]
    assert data["strategy"] == sha256_bytes(mine.read_bytes())[:16]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"query.strategy": "{mine}:first"}, "no strategy 'first'.*there are: last"),
        ({"query.strategy": "none.py:last"}, "there is no file"),
        (
            {"query.strategy": "{mine}:last", "query.options": {"ship": 1}},
            "has no option 'ship'; allowed: skip",
        ),
        (
            {
                "query.strategy": "{mine}:last",
                "launch.backend": "sagemaker",
                "launch.sagemaker.s3": "s3://bucket",
            },
            "query.strategy: .*mine.py:last is a file of this machine",
        ),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_computed(mine, tmp_path, fields, expected):
    fields["query.strategy"] = fields["query.strategy"].format(mine=mine)
    tiny = make_tiny(tmp_path, **fields)
    with pytest.raises(FieldmarkError, match=f"(?s){expected}"):
        play(tiny)
    assert not tiny.run.round(0).train.exists()
