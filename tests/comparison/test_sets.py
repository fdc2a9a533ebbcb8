import gzip
import struct

import numpy as np
import pytest
from PIL import Image

from classification.comparison.data_prep import as_pixels, check_prep, labels_of
from classification.comparison.sets import open_prep
from classification.errors import FieldmarkError
from tests.tiny import make_dataset


def write_idx(folder, part, n, *, shape=(28, 28)):
    """MNIST's format: a head of sizes, then bytes."""
    labels = np.arange(n, dtype=np.uint8) % 10
    pixels = np.full((n, *shape), 7, dtype=np.uint8) * labels[:, None, None]
    for kind, magic, values in (("images-idx3", 2051, pixels), ("labels-idx1", 2049, labels)):
        head = struct.pack(f">i{values.ndim}i", magic, *values.shape)
        (folder / f"{part}-{kind}-ubyte.gz").write_bytes(gzip.compress(head + values.tobytes()))


def test_a_set_by_name_comes_from_its_files_or_a_part_of_it(tmp_path):
    write_idx(tmp_path, "train", 60)
    write_idx(tmp_path, "t10k", 30)
    prep = open_prep("fashion_mnist", source=tmp_path)
    check_prep(prep)
    assert (len(prep.query), len(prep.test), len(prep.classes)) == (60, 30, 10)
    pixels, label = prep.query[13]
    assert (label, int(pixels[0, 0])) == (3, 21)
    some = open_prep("fashion_mnist", source=tmp_path, images=30)
    assert (len(some.query), len(some.test)) == (20, 10)


def test_image_folders_with_and_without_a_test(tmp_path):
    for part in ("train", "test"):
        for label in ("cat", "dog"):
            for i in range(4):
                path = tmp_path / "both" / part / label / f"{i}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.new("RGB", (20, 10)).save(path)
    prep = open_prep(str(tmp_path / "both"))
    assert (len(prep.query), len(prep.test), prep.classes) == (8, 8, ("cat", "dog"))
    alone = open_prep(str(tmp_path / "both" / "train"))
    assert labels_of(alone.test).tolist() == [0, 1]
    assert not set(alone.query.paths) & set(alone.test.paths)
    assert as_pixels(alone.query[0][0], 8).shape == (8, 8, 3)
    (alone.query.folder / alone.query.paths[0]).write_bytes(b"no image")
    with pytest.raises(FieldmarkError, match=r"png cannot be read"):
        alone.query[0]


def test_a_classification_table_keeps_its_splits_bursts_and_locations(tmp_path):
    paths = make_dataset(tmp_path / "tiny")
    prep = open_prep(str(paths.root))
    check_prep(prep)
    assert prep.name == "tiny"
    assert (len(prep.query), len(prep.test)) == (54, 18)
    assert len(np.unique(prep.locations)) == 6
    assert len(np.unique(prep.bursts)) == 18


def test_unknown_names_and_missing_files_are_told(tmp_path):
    with pytest.raises(FieldmarkError, match=r"unknown dataset 'cifar'.*cifar10"):
        open_prep("cifar")
    with pytest.raises(FieldmarkError, match="the files of mnist are not in"):
        open_prep("mnist", source=tmp_path)
    (tmp_path / "only").mkdir()
    with pytest.raises(FieldmarkError, match="0 class folders with images"):
        open_prep(str(tmp_path))
