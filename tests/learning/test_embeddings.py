import errno
import os

import numpy as np
import pytest
import torch
from PIL import Image

from classification.errors import FieldmarkError
from classification.files import read_json, write_json
from classification.learning import embeddings as module
from classification.learning import forward as network
from classification.learning.backbones import build_backbone
from classification.learning.crops import CropReader, Inputs, Preprocessing
from classification.learning.embeddings import Items, Kind, embed_items
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


def kind(**fields):
    return Kind(**({"weights": "w", "preprocessing": PREPROCESSING, "dim": 96} | fields))


def embed(folder, items, *, backbone=None, out="store", others=(), precision="float32"):
    backbone = backbone or build_backbone("timm/test_resnet", "none", seed=0)
    inputs = Inputs(
        reader=CropReader(folder, size=32, threads=2),
        preprocessing=PREPROCESSING,
        device=torch.device("cpu"),
        forward_batch=BATCH,
    )
    found = embed_items(
        backbone,
        inputs,
        items,
        kind=kind(store=precision),
        folder=folder / out,
        others=[folder / other for other in others],
    )
    return np.array(found)


def store(folder, items):
    return EmbeddingPaths(folder / "store", kind().key(items))


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
    forward = network.forward

    def counted(backbone, inputs, paths):
        calls.append(len(paths))
        return forward(backbone, inputs, paths)

    monkeypatch.setattr(network, "forward", counted)
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
    paths = store(tmp_path, crops)
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
        with pytest.raises(FieldmarkError, match=r"\.npy.*No space left.*Make room"):
            embed(tmp_path, crops)
    assert len(embed(tmp_path, crops)) == N


def test_the_key_changes_with_weights_preprocessing_format_and_content():
    items = Items(paths=["a", "b"], sha256=["1", "2"])
    smaller = Preprocessing(image_size=33, mean=(0.5, 0.4, 0.3), std=(0.2, 0.2, 0.3))
    assert kind().key(items) == kind().key(items)
    keys = {
        kind().key(items),
        kind(weights="v").key(items),
        kind(preprocessing=smaller).key(items),
        kind(store="float16").key(items),
        kind().key(Items(paths=["a", "b"], sha256=["1", "3"])),
        kind().key(Items(paths=["b", "a"], sha256=["2", "1"])),
    }
    assert len(keys) == 6


@pytest.fixture
def counted(monkeypatch):
    """Every crop that a network was asked for, in order."""
    asked = []
    forward = network.forward

    def counting(backbone, inputs, paths):
        asked.extend(paths)
        return forward(backbone, inputs, paths)

    monkeypatch.setattr(network, "forward", counting)
    return asked


def part(items, rows):
    rows = list(rows)
    return Items(paths=[items.paths[i] for i in rows], sha256=[items.sha256[i] for i in rows])


def test_added_files_embed_only_what_was_added(tmp_path, crops, counted):
    before = embed(tmp_path, part(crops, range(30)))
    counted.clear()
    mixed = [*range(40, 45), *range(30), *range(30, 40)]
    after = embed(tmp_path, part(crops, mixed))
    assert sorted(counted) == crops.paths[30:]
    assert np.array_equal(after[5:35], before)
    whole = embed(tmp_path, crops, out="elsewhere")
    assert after == pytest.approx(whole[mixed], abs=1e-5)


def test_files_that_were_renamed_moved_or_left_out_embed_nothing(tmp_path, crops, counted):
    before = embed(tmp_path, crops)
    counted.clear()
    turned = part(crops, reversed(range(N)))
    assert np.array_equal(embed(tmp_path, turned), before[::-1])
    assert np.array_equal(embed(tmp_path, part(crops, range(0, N, 3))), before[::3])
    other = Items(paths=[f"new/{p}" for p in crops.paths], sha256=crops.sha256)
    assert np.array_equal(embed(tmp_path, other), before)
    assert np.array_equal(embed(tmp_path, crops, out="b", others=["store", "none"]), before)
    assert not counted


def test_a_changed_file_is_embedded_again(tmp_path, crops, counted):
    embed(tmp_path, crops)
    counted.clear()
    hashes = [*crops.sha256[:7], "ff" * 32, *crops.sha256[8:]]
    embed(tmp_path, Items(paths=crops.paths, sha256=hashes))
    assert counted == [crops.paths[7]]


def test_the_same_content_twice_is_embedded_once(tmp_path, crops, counted, monkeypatch):
    monkeypatch.setattr(module, "_BLOCK", 8)
    twice = part(crops, [*range(10), *range(10), 3, 3])
    found = embed(tmp_path, twice)
    assert len(counted) == 10
    assert np.array_equal(found[:10], found[10:20])
    assert np.array_equal(found[20:], found[[3, 3]])


@pytest.mark.parametrize("damage", ["digests gone", "array cut", "record of another network"])
def test_a_damaged_earlier_store_is_passed_over(tmp_path, crops, counted, damage):
    earlier = part(crops, range(30))
    embed(tmp_path, earlier)
    paths = store(tmp_path, earlier)
    if damage == "digests gone":
        paths.digests.unlink()
    elif damage == "array cut":
        paths.array.write_bytes(paths.array.read_bytes()[:100])
    else:
        text = paths.progress.read_text().replace(kind().model, "0" * 16)
        paths.progress.write_text(text)
    counted.clear()
    found = embed(tmp_path, crops)
    assert counted == crops.paths
    assert np.isfinite(found).all()


def test_a_stopped_copy_goes_on_and_ends_equal_bit_by_bit(tmp_path, crops, counted, monkeypatch):
    monkeypatch.setattr(module, "_BLOCK", 8)
    earlier = part(crops, range(0, N, 2))
    embed(tmp_path, earlier)
    embed(tmp_path, earlier, out="a")
    whole = embed(tmp_path, crops)
    written = module.write_json

    def stop_in_the_middle(path, value):
        written(path, value)
        if value["done"] == 24:
            raise StoppedError

    with monkeypatch.context() as patch:
        patch.setattr(module, "write_json", stop_in_the_middle)
        with pytest.raises(StoppedError):
            embed(tmp_path, crops, out="a")
    counted.clear()
    assert np.array_equal(embed(tmp_path, crops, out="a"), whole)
    assert counted == crops.paths[25::2]


def test_half_precision_takes_half_the_room_and_stays_near(tmp_path, crops):
    whole = embed(tmp_path, crops)
    half = embed(tmp_path, crops, precision="float16")  # beside it, not copied from it
    assert half.dtype == np.float16
    assert half.nbytes == whole.nbytes / 2
    assert half.astype(np.float32) == pytest.approx(whole, rel=1e-3, abs=1e-6)


def test_what_half_precision_cannot_hold_is_refused(tmp_path, crops):
    class Huge(torch.nn.Module):
        def forward(self, x):
            return x.mean(dim=(1, 2, 3))[:, None].expand(-1, 96) * 0 + 1e6

    with pytest.raises(FieldmarkError, match=r"1e\+06.*set backbone\.store: float32"):
        embed(tmp_path, crops, backbone=Huge(), precision="float16")


def test_a_missing_crop_is_named_with_what_to_do(tmp_path, crops):
    (tmp_path / crops.paths[5]).unlink()
    with pytest.raises(FieldmarkError, match=r"05\.jpg.*missing.*Put a whole copy"):
        embed(tmp_path, crops)


def test_a_tolerant_reader_lists_what_it_could_not_read(tmp_path, crops):
    (tmp_path / crops.paths[1]).write_bytes(b"no image")
    reader = CropReader(tmp_path, size=32, tolerate=True)
    batches = list(reader.batches(crops.paths[:3], 2))
    assert [len(b) for b in batches] == [2, 1]
    assert {name: error.reason for name, error in reader.failures.items()} == {
        crops.paths[1]: "unreadable"
    }


@pytest.fixture
def computed_in(monkeypatch):
    """Machines that compute in another arithmetic."""

    def choose(name):
        monkeypatch.setattr(Inputs, "arithmetic", name)

    return choose


def test_no_store_mixes_what_two_machines_compute_differently(tmp_path, crops, computed_in):
    """What a GPU computes in bfloat16 is farther away than the next frame of a burst."""
    whole = embed(tmp_path, crops)
    record = read_json(store(tmp_path, crops).progress, what="record")
    assert record["arithmetic"] == "float32"
    computed_in("bfloat16")
    # a store that is whole serves every machine
    np.testing.assert_array_equal(embed(tmp_path, crops, backbone=Fails()), whole)
    # elsewhere, and with a new item, its rows are of no use
    calls = Counting()
    embed(tmp_path, crops, backbone=calls, out="there", others=["store"])
    assert calls.seen == N
    calls = Counting()
    computed_in("float32")
    embed(tmp_path, crops, backbone=calls, out="elsewhere", others=["there", "store"])
    assert calls.seen == 0


def test_a_store_begun_by_a_machine_that_computes_differently_is_begun_again(
    tmp_path, crops, computed_in
):
    whole = embed(tmp_path, crops)
    paths = store(tmp_path, crops)
    record = read_json(paths.progress, what="record")
    write_json(paths.progress, {**record, "arithmetic": "bfloat16", "done": 20})
    calls = Counting()
    np.testing.assert_array_equal(embed(tmp_path, crops, backbone=calls), whole)
    assert calls.seen == N
    # a record by an earlier version does not say; its rows are taken for float32
    del record["arithmetic"]
    write_json(paths.progress, {**record, "done": 20})
    calls = Counting()
    embed(tmp_path, crops, backbone=calls)
    assert calls.seen == N - 20


class Fails(torch.nn.Module):
    def forward(self, x):
        raise AssertionError("nothing is left to compute")


class Counting(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.network = build_backbone("timm/test_resnet", "none", seed=0)
        self.batches = []  # by several threads

    def forward(self, x):
        self.batches.append(len(x))
        return self.network(x)

    @property
    def seen(self):
        return sum(self.batches)


@pytest.mark.parametrize(
    ("capability", "expected"), [((7, 5), "float32"), ((8, 0), "bfloat16"), ((9, 0), "bfloat16")]
)
def test_gpus_that_only_imitate_bfloat16_compute_in_float32(
    tmp_path, monkeypatch, capability, expected
):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    inputs = Inputs(
        reader=CropReader(tmp_path, size=32),
        preprocessing=PREPROCESSING,
        device=torch.device("cuda", 0),
    )
    assert inputs.arithmetic == expected
