import numpy as np
import pytest

from classification.config import DataConfig, QueryConfig
from classification.data.dataset import load_dataset
from classification.errors import FieldmarkError
from classification.linear import fit_linear
from classification.query.names import AUDIT
from classification.selection import Seen, check_query, choose
from tests.tiny import make_dataset


@pytest.fixture
def dataset(tmp_path):
    return load_dataset(DataConfig(dir=str(make_dataset(tmp_path / "tiny").root)))


def see(dataset, *, learned=True):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(len(dataset), 8)).astype(np.float32)
    if not learned:
        return Seen(embeddings=x)
    head = fit_linear(x, rng.integers(len(dataset.classes), size=len(x)))
    return Seen(embeddings=x, probs=head.predict(x, len(dataset.classes)), head=head)


def ask(dataset, seen, *, decided=(), **query):
    return choose(
        dataset,
        QueryConfig(**query),
        labels=np.full(len(dataset), -1, dtype=np.int64),
        decided=decided,
        seen=seen,
        rng=np.random.default_rng(0),
    ).table


def test_only_train_items_that_nobody_decided_on_are_asked(dataset):
    train = [dataset.paths[i] for i in dataset.rows("train")]
    table = ask(dataset, see(dataset), decided=train[:3], strategy="margin", size=10_000)
    assert set(table["path"]) == set(train[3:])


def test_an_audit_slice_is_marked_and_does_not_depend_on_the_strategy(dataset):
    tables = [
        ask(dataset, see(dataset), strategy=name, size=8, audit=0.25)
        for name in ("margin", "kcenter")
    ]
    audits = [t.loc[t["strategy"] == AUDIT, "path"].tolist() for t in tables]
    assert audits[0] == audits[1]
    assert len(audits[0]) == 2
    assert all(len(set(t["path"])) == 8 for t in tables)
    assert tables[1].loc[tables[1]["strategy"] != AUDIT, "strategy"].unique().tolist() == [
        "kcenter"
    ]


def test_without_a_model_coverage_opens_with_embeddings_and_scores_open_at_random(dataset):
    seen = see(dataset, learned=False)
    assert ask(dataset, seen, strategy="kcenter", seed_size=4)["strategy"].unique() == ["kcenter"]
    assert ask(dataset, seen, strategy="margin", seed_size=4)["strategy"].unique() == ["random"]
    table = ask(dataset, None, strategy="kcenter", seed_size=4)
    assert table["strategy"].unique() == ["random"]
    assert table["suggestion"].isna().all()


def test_a_batch_takes_one_frame_of_a_burst_unless_told_otherwise(dataset):
    burst = dict(
        zip(dataset.paths, dataset.table["seq_id"].fillna(dataset.table["image_id"]), strict=True)
    )
    groups = {burst[dataset.paths[i]] for i in dataset.rows("train")}
    size = min(6, len(groups))
    table = ask(dataset, see(dataset), strategy="margin", size=size)
    assert len({burst[path] for path in table["path"]}) == size


def test_options_of_a_strategy_are_checked_before_anything_is_computed():
    check_query(QueryConfig(strategy="class_high", options={"target": 1}))
    with pytest.raises(FieldmarkError, match="has no option 'tarjet'; allowed: target"):
        check_query(QueryConfig(strategy="class_high", options={"tarjet": 1}))
