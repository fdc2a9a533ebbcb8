import errno
import os

import numpy as np
import pytest
import torch
from PIL import Image

from classification.errors import FieldmarkError
from classification.learning import embeddings as module
from classification.learning.backbones import build_backbone
from classification.learning.crops import CropReader, Inputs, Preprocessing
from classification.learning.embeddings import Items, embed_items, store_key
from classification.paths import EmbeddingPaths

PREPROCESSING = Preprocessing(image_size=32, mean=(0.5, 0.4, 0.3), std=(0.2, 0.2, 0.3))
N, BATCH = 45, 2


@pytest.fixture
def crops(tmp_path):
    rng = np.random.default_rng(0)
    names = [f"{i:02d}.jpg" for i in range(N)]
    for name in names:
        pixels = rng.integers(0, 255, (40, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / name)
    return Items(paths=names, sha256=[f"{i:064d}" for i in range(N)])


def embed(folder, items, *, backbone=None, out="store"):
    backbone = backbone or build_backbone("timm/test_resnet", "none", seed=0)
    inputs = Inputs(
        reader=CropReader(folder, size=32, threads=2),
        preprocessing=PREPROCESSING,
        device=torch.device("cpu"),
        forward_batch=BATCH,
    )
    paths = EmbeddingPaths(folder / out, "key")
    return np.array(embed_items(backbone, inputs, items, paths=paths, dim=96))


def test_rows_are_the_networks_answer_in_order(tmp_path, crops):
    found = embed(tmp_path, crops)
    backbone = build_backbone("timm/test_resnet", "none", seed=0)
    for row in (0, 7, N - 1):
        image = Image.open(tmp_path / crops.paths[row]).resize(
            (32, 32), Image.Resampling.BILINEAR, reducing_gap=2.0
        )
        x = torch.tensor(np.asarray(image) / 255, dtype=torch.float32).permute(2, 0, 1)
        mean, std = (torch.tensor(v).reshape(3, 1, 1) for v in ((0.5, 0.4, 0.3), (0.2, 0.2, 0.3)))
        with torch.inference_mode():
            expected = backbone(((x - mean) / std)[None])[0].numpy()
        assert np.allclose(found[row], expected, atol=1e-4)


class StoppedError(Exception):
    """Stands for a kill after a block."""


@pytest.mark.parametrize("blocks", [1, 2])
def test_a_stopped_extraction_goes_on_and_ends_equal_bit_by_bit(
    tmp_path, crops, monkeypatch, blocks
):
    whole = embed(tmp_path, crops, out="whole")
    written = module.write_json
    done = 0

    def stop_after(path, value):
        nonlocal done
        written(path, value)
        done += 1
        if done == blocks:
            raise StoppedError

    monkeypatch.setattr(module, "_BLOCK", 16 * BATCH)
    calls = []
    forward = module.forward

    def counted(backbone, inputs, paths):
        calls.append(len(paths))
        return forward(backbone, inputs, paths)

    monkeypatch.setattr(module, "forward", counted)
    with monkeypatch.context() as patch:
        patch.setattr(module, "write_json", stop_after)
        with pytest.raises(StoppedError):
            embed(tmp_path, crops)
    calls.clear()
    resumed = embed(tmp_path, crops)
    assert sum(calls) == N - blocks * 16 * BATCH if blocks * 16 * BATCH < N else not calls
    assert np.array_equal(resumed, whole)
    calls.clear()
    assert np.array_equal(embed(tmp_path, crops), whole)
    assert not calls  # a whole store computes nothing


@pytest.mark.parametrize("damage", ["array gone", "array cut", "other shape"])
def test_a_damaged_store_is_made_anew(tmp_path, crops, damage):
    whole = embed(tmp_path, crops)
    paths = EmbeddingPaths(tmp_path / "store", "key")
    if damage == "array gone":
        paths.array.unlink()
    elif damage == "array cut":
        paths.array.write_bytes(paths.array.read_bytes()[:100])
    else:
        np.save(paths.array, np.zeros((3, 3), np.float32))
    assert np.array_equal(embed(tmp_path, crops), whole)


def test_a_full_disk_is_named_before_anything_is_computed(tmp_path, crops, monkeypatch):
    """A mapped file on a full disk would otherwise end the process by SIGBUS, without a word."""

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_fallocate", full, raising=False)
        with pytest.raises(FieldmarkError, match=r"key\.npy.*No space left.*Make room"):
            embed(tmp_path, crops)
    assert len(embed(tmp_path, crops)) == N


def test_the_key_changes_with_weights_preprocessing_and_content():
    items = Items(paths=["a", "b"], sha256=["1", "2"])
    key = store_key(weights="w", preprocessing=PREPROCESSING, items=items)
    assert key == store_key(weights="w", preprocessing=PREPROCESSING, items=items)
    others = [
        store_key(weights="v", preprocessing=PREPROCESSING, items=items),
        store_key(
            weights="w",
            preprocessing=Preprocessing(image_size=33, mean=(0.5, 0.4, 0.3), std=(0.2, 0.2, 0.3)),
            items=items,
        ),
        store_key(
            weights="w",
            preprocessing=PREPROCESSING,
            items=Items(paths=["a", "b"], sha256=["1", "3"]),
        ),
        store_key(
            weights="w",
            preprocessing=PREPROCESSING,
            items=Items(paths=["b", "a"], sha256=["2", "1"]),
        ),
    ]
    assert len({key, *others}) == 5


def test_a_missing_crop_is_named_with_what_to_do(tmp_path, crops):
    (tmp_path / crops.paths[5]).unlink()
    with pytest.raises(FieldmarkError, match=r"05\.jpg.*missing.*crop_detections"):
        embed(tmp_path, crops)


def test_a_tolerant_reader_lists_what_it_could_not_read(tmp_path, crops):
    (tmp_path / crops.paths[1]).write_bytes(b"no image")
    reader = CropReader(tmp_path, size=32, tolerate=True)
    batches = list(reader.batches(crops.paths[:3], 2))
    assert [len(b) for b in batches] == [2, 1]
    assert {name: error.reason for name, error in reader.failures.items()} == {
        crops.paths[1]: "unreadable"
    }
