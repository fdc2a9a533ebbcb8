import numpy as np
import pytest

from classification.config import DataConfig
from classification.data.arrays import array_dataset
from classification.data.dataset import load_dataset
from classification.engines import ArrayEngine
from classification.environment import Environment, play
from classification.errors import FieldmarkError
from classification.labelling.store import LabelStore
from classification.query import BaseSampler
from tests.tiny import make_dataset

CLASSES = ("cat", "deer", "fox")


@pytest.fixture
def data():
    """Three clouds; the last 30 of 120 items are the test."""
    rng = np.random.default_rng(0)
    labels = np.tile(np.arange(3), 40)
    embeddings = (np.eye(3, 8)[labels] * 3 + rng.normal(size=(120, 8))).astype(np.float32)
    return embeddings, labels, ["train"] * 90 + ["test"] * 30


def simulated(data, folder):
    embeddings, labels, split = data
    dataset = array_dataset(labels, CLASSES, split=split)
    environment = Environment(
        dataset=dataset, store=LabelStore(folder / "labels.db"), simulate=True
    )
    return environment, ArrayEngine(embeddings=embeddings)


def turns(environment, engine, rounds=3, strategy="margin", **options):
    return list(
        play(
            environment,
            engine,
            strategy=strategy,
            annotator=environment.oracle,
            batch=8,
            rounds=rounds,
            **options,
        )
    )


def test_arrays_are_played_without_an_image(data, tmp_path):
    environment, engine = simulated(data, tmp_path)
    played = turns(environment, engine)
    assert [t.num_labels for t in played] == [0, 8, 16, 24]
    assert played[0].scores is None
    assert played[-1].scores.accuracy > 0.8
    assert played[-1].scores.n == 30


def test_the_same_seed_asks_the_same_and_a_second_call_goes_on(data, tmp_path):
    whole, engine = simulated(data, tmp_path / "a")
    turns(whole, engine)
    parts, _ = simulated(data, tmp_path / "b")
    turns(parts, engine, rounds=1)
    again, _ = simulated(data, tmp_path / "b")
    assert [t.num_labels for t in turns(again, engine)] == [8, 16, 24]
    answers = [{d.item: d.label for d in e.store.history()} for e in (whole, again)]
    assert answers[0] == answers[1]


def test_it_ends_with_the_pool(data, tmp_path):
    environment, engine = simulated(data, tmp_path)
    assert turns(environment, engine, rounds=50)[-1].num_labels == 90


def test_known_labels_are_learned_from_the_start_and_test_labels_never(data, tmp_path):
    embeddings, labels, split = data
    known = np.where(np.arange(120) < 9, labels, -1)
    known[90:] = labels[90:]
    dataset = array_dataset(known, CLASSES, split=split)
    environment = Environment(dataset=dataset, store=LabelStore(tmp_path / "labels.db"))
    assert np.flatnonzero(environment.labels().ids >= 0).tolist() == list(range(9))
    first = next(
        play(environment, ArrayEngine(embeddings=embeddings), strategy="auto",
             annotator=environment.oracle, batch=5, rounds=1)
    )  # fmt: skip
    assert first.num_labels == 9
    assert first.scores.n == 30


def test_a_sampler_object_and_a_new_class(data, tmp_path):
    class First(BaseSampler):
        def sample(self, pool, n, rng):
            return pool.unlabelled[:n]

    environment, engine = simulated(data, tmp_path)
    played = list(
        play(environment, engine, strategy=First(), rounds=2, batch=6,
             annotator=lambda items: {item: "wolf" if item == "2" else "cat" for item in items[:4]})
    )  # fmt: skip
    assert environment.labels().classes == (*CLASSES, "wolf")
    assert played[-1].seen.probs.shape == (120, 4)
    assert played[-1].num_labels == 8  # two of each six were left out and are not asked again
    assert len(environment.store.current()) == 12


def test_a_classification_table_is_played_one_frame_of_a_burst_at_a_time(tmp_path):
    dataset = load_dataset(DataConfig(dir=str(make_dataset(tmp_path / "data").root)))
    environment = Environment(
        dataset=dataset, store=LabelStore(tmp_path / "labels.db"), simulate=True
    )
    embeddings = np.random.default_rng(0).normal(size=(90, 4)).astype(np.float32)
    played = turns(environment, ArrayEngine(embeddings=embeddings), rounds=1, per_group=1)
    assert played[1].num_labels == 8
    assert played[1].scores.n == 18
    asked = dataset.table.set_index("path").loc[list(environment.store.current())]
    assert asked["seq_id"].is_unique
    assert set(asked["location"]) <= {f"cam{i}" for i in range(4, 10)}


def test_answers_to_what_was_not_asked_are_refused(data, tmp_path):
    environment, _ = simulated(data, tmp_path)
    with pytest.raises(FieldmarkError, match="1 items that were not asked, such as '7'"):
        environment.tell(["1", "2"], {"1": "cat", "7": "fox"}, number=0)
    assert not environment.store.current()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"batch": 0}, "batch is 0; give 1 or more"),
        ({"batch": "5"}, "batch is '5'; give a whole number"),
        ({"rounds": -1}, "rounds is -1; give 0 or more"),
        ({"rounds": 1.5}, "rounds is 1.5; give a whole number"),
        (
            {"annotator": lambda items: ["fox"] * len(items)},
            "the answer of the annotator is .'fox'",
        ),
        ({"annotator": lambda items: None}, "the answer of the annotator is None"),
    ],
)
def test_what_makes_no_sense_is_named(data, tmp_path, changes, expected):
    environment, engine = simulated(data, tmp_path)
    usual = {"strategy": "random", "annotator": environment.oracle, "batch": 4, "rounds": 1}
    with pytest.raises(FieldmarkError, match=expected):
        list(play(environment, engine, **(usual | changes)))


def test_arrays_that_do_not_fit_are_refused_together():
    with pytest.raises(FieldmarkError) as caught:
        array_dataset(
            np.array([0, 5, -1]), CLASSES, split=["train", "tset", "test"], names=["a", "a"]
        )
    text = str(caught.value)
    for part in ("names has 2 entries, labels has 3", "given twice", "tset", "given: -1 to 5"):
        assert part in text
