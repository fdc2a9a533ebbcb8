import numpy as np
import pytest

from classification.comparison.arrays import array_task, read_arrays
from classification.comparison.build import make_tasks
from classification.comparison.compare import compare
from classification.comparison.data_prep import check_prep
from classification.comparison.sets import open_prep
from classification.comparison.task import split_task
from classification.config_compare import CompareConfig
from classification.errors import FieldmarkError
from classification.paths import ComparisonPaths


def save(folder, **arrays):
    path = folder / "mine.npz"
    np.savez(path, **arrays)
    return path


def some(n=60, **changes):
    """Embeddings of three classes from six cameras; a change of None leaves an array out."""
    ids = np.arange(n) % 3
    given = {
        "embeddings": np.random.default_rng(0).normal(size=(n, 4)) + ids[:, None],
        "labels": np.array(["cat", "dog", "fox"])[ids],
        "locations": np.array([f"cam {i}" for i in range(6)])[np.arange(n) // 10],
    }
    return {k: v for k, v in (given | changes).items() if v is not None}


def test_strategies_are_compared_on_embeddings_of_ones_own(tmp_path):
    path = save(tmp_path, **some())
    config = CompareConfig(
        datasets=(str(path),),
        strategies=("margin",),
        models=("resnet18", "resnet34"),  # embeddings need none
        start=6,
        batch=6,
        rounds=1,
        seeds=2,
        output=tmp_path / "out",
        processes=1,
    )
    table = compare(config)
    assert table["task"].unique().tolist() == ["mine"]
    assert len(table) == 2 * 2 * 2


def test_cameras_are_in_pool_or_test_and_unknown_ones_by_themselves(tmp_path):
    cameras = np.arange(60) // 10
    cameras[50:] = -1
    arrays = read_arrays(save(tmp_path, **some(locations=cameras, bursts=np.arange(60) // 2)))
    task = array_task(arrays)
    assert task.classes == ("cat", "dog", "fox")
    assert (task.embeddings.dtype, task.labels.dtype) == (np.float32, np.int64)
    assert len(np.unique(task.units)) == 5 + 5  # cameras, and bursts where no camera is known
    for seed in range(4):
        split = split_task(task, seed)
        assert not set(task.units[split.train]) & set(task.units[split.test])


def test_a_test_of_ones_own_stays(tmp_path):
    test = np.arange(60) >= 40
    task = array_task(read_arrays(save(tmp_path, **some(test=test))))
    assert split_task(task, 3).test.tolist() == list(range(40, 60))


def test_ids_and_names_of_classes_agree(tmp_path):
    ids = np.arange(60) % 3
    tasks = [
        array_task(read_arrays(save(tmp_path, **some(labels=labels, classes=classes))))
        for labels, classes in (
            (ids, ["cat", "dog", "fox", "owl"]),
            (np.array(["cat", "dog", "fox"])[ids], ["cat", "dog", "fox", "owl"]),
        )
    ]
    for task in tasks:
        assert task.classes == ("cat", "dog", "fox", "owl")
        assert task.labels.tolist() == ids.tolist()
    unnamed = array_task(read_arrays(save(tmp_path, **some(labels=ids * 10))))
    assert (unnamed.classes, unnamed.labels.max()) == (("0", "10", "20"), 2)


@pytest.mark.parametrize("shape", [(60, 8, 6), (60, 8, 6, 3)])
def test_pictures_are_a_dataset_for_networks(tmp_path, shape):
    pixels = np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8)
    path = save(tmp_path, **some(embeddings=None, images=pixels))
    prep = open_prep(str(path))
    check_prep(prep)
    assert (len(prep.query) + len(prep.test), prep.image_size, prep.name) == (60, 8, "mine")
    assert prep.locations is not None
    assert len(np.unique(prep.locations)) in (4, 5)  # of six; the others are the test
    assert len(prep.test) == 10 * (6 - len(np.unique(prep.locations)))


def test_embeddings_are_nothing_for_a_network_that_is_trained_end_to_end(tmp_path):
    path = save(tmp_path, **some())
    config = CompareConfig(datasets=(str(path),), training="end_to_end", weights="none")
    with pytest.raises(FieldmarkError, match="holds embeddings: they are compared with training"):
        make_tasks(config, ComparisonPaths(tmp_path))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"label": np.arange(60)}, "label is unknown; allowed: embeddings, images, labels"),
        ({"labels": None}, "it must have labels, and either embeddings or images"),
        ({"images": np.zeros((60, 4, 4), np.uint8)}, "either embeddings or images"),
        (
            {"embeddings": np.full((60, 2), np.nan)},
            r"embeddings are float64 \[60, 2\]; give finite",
        ),
        ({"embeddings": np.zeros((50, 2))}, "embeddings has 50 rows, labels has 60"),
        ({"locations": np.zeros(3)}, "locations has 3 rows, labels has 60"),
        ({"labels": np.zeros(60)}, "labels are float64"),
        ({"labels": np.array(3)}, r"labels are int64 \[\]; give names or class ids"),
        ({"labels": np.zeros(60, int)}, "labels hold one class"),
        ({"labels": np.arange(60) - 2}, "2 labels are empty or below 0"),
        ({"classes": ["cat", "dog"]}, "labels are none of classes: fox"),
        ({"labels": np.arange(60), "classes": ["cat"]}, "labels go up to 59, there are 1 classes"),
        ({"test": np.zeros(60, bool)}, "test must be bool, with both"),
        (
            {"embeddings": None, "images": np.zeros((60, 4, 4, 2))},
            r"images are float64 \[60, 4, 4, 2\]; give uint8",
        ),
    ],
)
def test_arrays_that_do_not_fit_are_refused_by_name(tmp_path, changes, said):
    with pytest.raises(FieldmarkError, match=said):
        read_arrays(save(tmp_path, **some(**changes)))


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 cut", b"hello"])
def test_a_file_that_is_none_is_refused(tmp_path, content):
    path = tmp_path / "mine.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FieldmarkError, match=r"cannot be read|no such file"):
        read_arrays(path)


def test_names_saved_as_objects_are_refused_with_what_to_do(tmp_path):
    names = some()["labels"].astype(object)
    with pytest.raises(FieldmarkError, match=r"names as np\.array"):
        read_arrays(save(tmp_path, **some(labels=names)))
