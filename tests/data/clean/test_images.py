from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from classification.errors import FieldmarkError
from tests.data.clean.datasets import TIMES, Run, annotation, dataset, image


def test_one_camera_in_two_exports_stays_one_location(combine: Run) -> None:
    first = dataset([image("i", location="Cam A")], [annotation("a", "i")])
    second = dataset([image("j", location="cam a")], [annotation("a", "j")])
    shared = combine(first, second)
    assert shared.cct.images[["dataset", "location"]].values.tolist() == [["a", "cam_a"]] * 2
    assert shared.cct.images["source"].tolist() == ["a", "b"]
    assert "same cameras" in shared.summary["notes"][0]
    apart = combine(first, second, locations="separate")
    assert apart.cct.images["dataset"].tolist() == ["a", "b"]
    named = combine(first, second, locations="separate", names=("park", "park"))
    assert named.cct.images["dataset"].tolist() == ["park", "park"]


def test_names_are_prefixed_only_where_they_clash(combine: Run) -> None:
    first = dataset([image("i", location=1)], [annotation("1", "i")])
    second = dataset([image("i", location=2, file_name="x.jpg")], [annotation("1", "i", 2)])
    out = combine(first, second)
    assert out.cct.images["file_name"].tolist() == ["i.jpg", "x.jpg"]
    assert out.cct.images["id"].tolist() == ["a_i", "b_i"]
    assert out.labels() == {"a_1": "deer", "b_1": "coyote"}
    assert out.cct.annotations["image_id"].tolist() == ["a_i", "b_i"]
    third = dataset([image("k", location=2, file_name="i.jpg")], [annotation("1", "k", 2)])
    clash = combine(first, third)
    assert clash.cct.images["file_name"].tolist() == ["a/i.jpg", "b/i.jpg"]
    assert clash.cct.images["source_file_name"].tolist() == ["i.jpg", "i.jpg"]


@pytest.mark.parametrize(
    "same",
    [
        {"id": "i"},
        {"id": "j", "location": "5", "datetime": "2020-01-01T10:00:00"},
    ],
)
def test_one_image_in_two_exports_keeps_its_best_annotated_copy(
    combine: Run, same: dict[str, Any]
) -> None:
    old = image("i", location=5, datetime="2020-01-01 10:00:00")
    first = dataset([old], [annotation("a", "i", validated=False)])
    second = dataset([{"file_name": "i.jpg"} | same], [annotation("b", same["id"])])
    out = combine(first, second)
    assert out.labels() == {"b": "deer"}
    assert out.reasons("image") == {"i": "duplicate_image"}
    assert out.dropped["detail"].tolist()[0] == f"same as b: {same['id']}"


def test_the_same_file_twice_in_one_export(combine: Run) -> None:
    images = [image("i"), image("j", file_name="i.jpg")]
    out = combine(dataset(images, [annotation("a", "j")]))
    assert out.reasons("image") == {"i": "duplicate_file_name"}
    assert out.labels() == {"a": "deer"}


def test_sequences_are_rebuilt_from_time_gaps(combine: Run) -> None:
    images = [image(f"i{n}", location="x", datetime=t) for n, t in enumerate(TIMES)]
    images += [image("late", location="x", datetime="01-01-2020 10:03:00")]
    images += [image("other", location="y", datetime=TIMES[0]), image("given", seq_id="s9")]
    out = combine(dataset(images, [annotation(one["id"], one["id"]) for one in images]))
    table = out.cct.images.set_index("id")
    burst = "x@2020-01-01T10:00:00"
    assert table["seq_id"].fillna("").tolist() == [
        *[burst] * 3, "", "", "x@2020-01-01T10:03:00", "y@2020-01-01T10:00:00", "s9"
    ]  # fmt: skip
    assert table.loc["i2", ["frame_num", "seq_num_frames"]].tolist() == [2, 3]
    assert out.summary["sequences"] == 1


def save(path: Path, seed: int, size: tuple[int, int] = (64, 48), quality: int = 95) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    small = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(small).resize(size, Image.Resampling.BICUBIC).save(path, quality=quality)


def test_files_give_sizes_and_missing_ones_are_failures(combine: Run, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    save(folder / "i.jpg", 1)
    (folder / "page.jpg").write_text("<html>")
    bare = [{"id": n, "file_name": f"{n}.jpg"} for n in ("i", "page", "gone")]
    value = dataset(bare, [annotation(n, n, bbox=[40, 30, 30, 10]) for n in ("i", "page", "gone")])
    with pytest.raises(FieldmarkError, match="2 of 3 images have no usable file") as error:
        combine(value, images_dirs=(folder,))
    assert "missing: a gone" in str(error.value)
    out = combine(value, images_dirs=(folder,), max_failures=0.7)
    assert out.cct.images[["width", "height"]].values.tolist() == [[64, 48]]
    assert out.boxes() == {"i": [40, 30, 24, 10]}
    assert out.reasons("image") == {"page": "unreadable", "gone": "missing"}


def test_copies_by_content_and_by_look(combine: Run, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    save(folder / "i.jpg", 1)
    (folder / "copy.jpg").write_bytes((folder / "i.jpg").read_bytes())
    save(folder / "again.jpg", 1, (128, 96), quality=60)
    save(folder / "later.jpg", 1, quality=94)
    save(folder / "other.jpg", 2)
    times = {"later": "2020-01-01 10:00:01"}
    names = ("i", "copy", "again", "later", "other")
    images = [
        image(n, width=64, height=48, datetime=times.get(n, "2020-01-01 10:00:00")) for n in names
    ]
    value = dataset(images, [annotation(n, n) for n in names])
    plain = combine(value, images_dirs=(folder,))
    assert plain.reasons("image") == {"copy": "duplicate_content"}
    near = combine(value, images_dirs=(folder,), duplicates="near")
    assert near.reasons("image") == {"copy": "duplicate_content", "again": "near_duplicate"}
    assert combine(value, images_dirs=(folder,), duplicates="none").reasons("image") == {}


def test_images_lie_in_one_folder_per_input_or_below_one(combine: Run, tmp_path: Path) -> None:
    values = [dataset([image(n)], [annotation(n, n)]) for n in "ij"]
    save(tmp_path / "raw" / "a" / "i.jpg", 1)
    save(tmp_path / "raw" / "b" / "j.jpg", 2)
    assert len(combine(*values, images_dirs=(tmp_path / "raw",)).labels()) == 2
    folders = (tmp_path / "raw" / "a", tmp_path / "raw" / "b")
    assert len(combine(*values, images_dirs=folders).labels()) == 2
