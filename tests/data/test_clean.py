import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from classification.data.cct import Cct, read_cct
from classification.data.clean.step import combine_datasets
from classification.data.options import CombineOptions
from classification.errors import FieldmarkError
from classification.paths import InterimPaths
from classification.schemas import DroppedTable, read_csv

CATEGORIES = ["empty", "deer", "coyote", "car"]


class Combined:
    """What a run of the step wrote."""

    def __init__(self, folder: Path) -> None:
        paths = InterimPaths(folder)
        self.cct: Cct = read_cct(paths.clean_cct)
        self.dropped = read_csv(paths.dropped, DroppedTable, what="dropped")
        self.summary = json.loads(paths.summary.read_text())

    def labels(self) -> dict[str, str]:
        return dict(zip(self.cct.annotations["id"], self.cct.names, strict=True))

    def boxes(self) -> dict[str, Any]:
        return dict(zip(self.cct.annotations["id"], self.cct.annotations["bbox"], strict=True))

    def reasons(self, kind: str = "annotation") -> dict[str, str]:
        rows = self.dropped[self.dropped["kind"] == kind]
        return dict(zip(rows["id"], rows["reason"], strict=True))


Run = Callable[..., Combined]


@pytest.fixture
def combine(tmp_path: Path) -> Run:
    """Write datasets, combine them, read what came out."""

    def run(*datasets: dict[str, Any], **options: Any) -> Combined:
        files = []
        for number, value in enumerate(datasets):
            files.append(tmp_path / f"{'abc'[number]}_cct.json")
            files[-1].write_text(json.dumps(value))
        out = tmp_path / "interim" / "both"
        combine_datasets(CombineOptions(output_dir=out, cct=tuple(files), **options))
        return Combined(out)

    return run


def image(name: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "file_name": f"{name}.jpg", "width": 100, "height": 80} | more


def annotation(name: str, of: str, label: int = 1, **more: Any) -> dict[str, Any]:
    return {"id": name, "image_id": of, "category_id": label} | more


def dataset(
    images: list[dict[str, Any]], annotations: list[dict[str, Any]], names: Any = CATEGORIES
) -> dict[str, Any]:
    categories = [{"id": i, "name": name} for i, name in enumerate(names)]
    return {"images": images, "annotations": annotations, "categories": categories}


BOXES = [
    ([10, 10, 20, 20], None, [10, 10, 20, 20]),
    ([-5, 10, 20, 20], None, [0, 10, 15, 20]),
    ([90, 60, 20, 20], None, [90, 60, 10, 20]),
    ([0.1, 0.5, 0.2, 0.25], None, [10, 40, 20, 20]),
    ([10, 10, 0, 20], "zero_area", None),
    ([10, 10, 20, -1], "negative", None),
    ([10, float("nan"), 20, 20], "nan", None),
    ([10, 10, 20], "nan", None),
    ("10 10 20 20", "nan", None),
    ([200, 10, 20, 20], "outside", None),
    ([95, 10, 20, 20], "mostly_outside", None),
    ([1, 1, 98, 78], "whole_image", None),
    ([1, 1, 98, 50], None, [1, 1, 98, 50]),
]


@pytest.mark.parametrize(("box", "reason", "result"), BOXES)
def test_box_rules(combine: Run, box: Any, reason: str | None, result: Any) -> None:
    good = annotation("good", "i", bbox=[5, 5, 30, 30])
    out = combine(dataset([image("i")], [good, annotation("a", "i", bbox=box)]))
    assert out.reasons().get("a") == reason
    assert out.boxes().get("a") == result
    assert out.boxes()["good"] == [5, 5, 30, 30]


def test_relative_boxes_become_absolute_where_the_size_is_known(combine: Run) -> None:
    share = {"bbox_relative": [0.1, 0.5, 0.2, 0.25]}
    images = [image("i"), {"id": "j", "file_name": "j.jpg"}]
    out = combine(dataset(images, [annotation("a", "i", **share), annotation("b", "j", **share)]))
    assert out.boxes() == {"a": [10, 40, 20, 20], "b": None}
    assert out.cct.annotations["bbox_relative"].tolist() == [None, [0.1, 0.5, 0.2, 0.25]]


def test_whole_image_box_can_leave_its_label_to_the_frame(combine: Run) -> None:
    value = dataset([image("i")], [annotation("a", "i", bbox=[0, 0, 100, 80])])
    assert combine(value, whole_image_boxes="frame").boxes() == {"a": None}
    assert combine(value, whole_image_boxes="keep").boxes() == {"a": [0, 0, 100, 80]}
    with pytest.raises(FieldmarkError, match="no image is left"):
        combine(value)


def test_spelling_of_labels_and_locations_does_not_matter(combine: Run) -> None:
    images = [image("i", location=" Cam  A "), image("j", location="cam_a"), image("k", location=7)]
    labels = [annotation(n, n, i) for i, n in enumerate("ijk")]
    out = combine(dataset(images, labels, [" Mule  Deer", "mule_deer", "MULE DEER"]))
    assert set(out.labels().values()) == {"mule_deer"}
    assert out.cct.images["location"].tolist() == ["cam_a", "cam_a", "7"]
    assert out.cct.annotations["dataset_class"].tolist() == [
        " Mule  Deer",
        "mule_deer",
        "MULE DEER",
    ]


MAP = """
keep: [Deer]
drop: [car]
rename: {coyote: wild dog}
"""


@pytest.mark.parametrize("form", ["yaml", "json", "animl"])
def test_category_map(combine: Run, tmp_path: Path, form: str) -> None:
    path = tmp_path / "map"
    path.write_text(
        {
            "yaml": MAP,
            "json": '{"keep": ["deer"], "drop": ["car"], "merge": {"wild dog": ["Coyote"]}}',
            "animl": '[{"id": 1, "name": "deer", "keep": true}, {"name": "car", "keep": false},'
            '{"name": "coyote", "keep": true, "convert_to": "wild dog"}]',
        }[form]
    )
    images = [image(n) for n in "ijkl"]
    value = dataset(images, [annotation(n, n, i) for i, n in enumerate("ijkl")])
    out = combine(value, category_map=path)
    assert out.labels() == {"i": "empty", "j": "deer", "k": "wild_dog"}
    assert out.reasons() == {"l": "dropped_by_map"}
    assert out.reasons("category") == {"car": "dropped_by_map"}
    assert out.reasons("image") == {"l": "no_annotation_left"}


def test_labels_that_the_map_does_not_name(combine: Run, tmp_path: Path) -> None:
    path = tmp_path / "map.yml"
    path.write_text("keep: [deer, unicorn]")
    images = [image("i"), image("j")]
    value = dataset(images, [annotation("a", "i", 1), annotation("b", "j", 2)])
    notes = " ".join(combine(value, category_map=path).summary["notes"])
    assert "not in the category map, kept: coyote (1)" in notes
    assert "no dataset has: unicorn" in notes
    assert combine(value, category_map=path, unmapped="drop").labels() == {"a": "deer"}
    with pytest.raises(FieldmarkError, match=r"coyote \(1\)"):
        combine(value, category_map=path, unmapped="error")


def test_all_faults_of_a_map_are_named(combine: Run, tmp_path: Path) -> None:
    path = tmp_path / "map.yml"
    path.write_text("keep: [deer]\ndrop: [Deer]\nremove: [x]\nrename: [y]")
    with pytest.raises(FieldmarkError) as error:
        combine(dataset([image("i")], [annotation("a", "i")]), category_map=path)
    for words in ("'deer' has two fates", "unknown section 'remove'", "rename is not a mapping"):
        assert words in str(error.value)


def test_label_that_nobody_confirmed_is_no_label(combine: Run) -> None:
    labels = [
        annotation("human", "i", bbox=[1, 1, 20, 20], validated=True),
        annotation("model", "i", bbox=[40, 1, 20, 20], validated=False),
        annotation("unknown", "i", bbox=[60, 1, 20, 20]),
    ]
    value = dataset([image("i")], labels)
    assert combine(value).labels() == {"human": "deer", "model": "unlabelled", "unknown": "deer"}
    assert combine(value).summary["changed"] == {"unvalidated": 1}
    assert combine(value, unvalidated="drop").reasons() == {"model": "unvalidated"}


def test_labels_of_bursts(combine: Run) -> None:
    images = [image(n, seq_id=s, location=1) for n, s in zip("ijkl", "ssqq", strict=True)]
    labels = [annotation(n, n, x) for n, x in zip("ijkl", [1, 1, 1, 2], strict=True)]
    value = dataset(images, [one | {"sequence_level_annotation": True} for one in labels])
    deer, none = "deer", "unlabelled"
    assert list(combine(value).labels().values()) == [deer, deer, none, none]
    assert list(combine(value, sequence_labels="keep").labels().values())[2:] == [deer, "coyote"]
    assert set(combine(value, sequence_labels="unlabel").labels().values()) == {none}
    flags = combine(value).cct.annotations["sequence_level_annotation"]
    assert flags.all()


def test_contradictions_and_repeats(combine: Run) -> None:
    labels = [
        annotation("frame", "i", 1),
        annotation("box", "i", 1, bbox=[1, 1, 20, 20]),
        annotation("again", "i", 1, bbox=[1, 1, 20, 20]),
        annotation("nothing", "i", 0),
        annotation("other", "i", 2),
    ]
    out = combine(dataset([image("i")], labels))
    assert set(out.labels()) == {"box", "other"}
    assert out.reasons() == {
        "frame": "covered_by_box",
        "again": "duplicate_annotation",
        "nothing": "contradicts_other_label",
    }


def test_broken_references_are_dropped_with_rows(combine: Run) -> None:
    images = [image("i"), image("i", file_name="other.jpg"), image("c", corrupt=True)]
    labels = [
        annotation("good", "i"),
        annotation("good", "i", 2),
        annotation("lost", "nowhere"),
        annotation("odd", "i", 99),
        annotation("on_corrupt", "c"),
    ]
    out = combine(dataset(images, labels))
    assert out.labels() == {"good": "deer"}
    assert out.reasons("image") == {"i": "duplicate_id", "c": "corrupt"}
    assert out.reasons() == {
        "good": "duplicate_id",
        "lost": "unknown_image",
        "odd": "unknown_category",
        "on_corrupt": "image_dropped",
    }


def test_images_that_nobody_annotated_are_kept_as_unlabelled(combine: Run) -> None:
    out = combine(dataset([image("i"), image("j")], [annotation("a", "i")]))
    assert out.labels() == {"a": "deer", "j_unlabelled": "unlabelled"}


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


def test_a_combined_dataset_keeps_its_datasets_when_it_is_combined_again(
    combine: Run, tmp_path: Path
) -> None:
    first = dataset([image("i", location=1)], [annotation("a", "i")], ["x", "Mule Deer"])
    second = dataset([image("j", location=2)], [annotation("b", "j", validated=False)])
    combine(first, second)
    path = tmp_path / "interim" / "both" / "both_clean_cct.json"
    third = dataset([image("k", location=3)], [annotation("c", "k")])
    out = combine(json.loads(path.read_text()), third, names=("old", "new"))
    assert out.cct.images["dataset"].tolist() == ["a", "b", "new"]
    assert out.cct.annotations["dataset_class"].tolist() == ["Mule Deer", "deer", "deer"]
    assert out.cct.annotations["changes"].fillna("").tolist() == ["", "unvalidated", ""]
    assert out.labels() == {"a": "mule_deer", "b": "unlabelled", "c": "deer"}


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


TIMES = ["2020-01-01 10:00:00", "2020-01-01T10:00:50+02:00", "2020:01:01 10:01:40", "", "junk"]


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


def test_bad_options_are_all_named(combine: Run) -> None:
    value = dataset([image("i")], [annotation("a", "i")])
    with pytest.raises(FieldmarkError) as error:
        combine(value, names=("a", "b"), min_inside=2.0, duplicates="near")
    for words in ("2 names for 1 files", "--min-inside 2", "near needs --images-dirs"):
        assert words in str(error.value)
    with pytest.raises(FieldmarkError, match="neither --cct nor --md-results"):
        combine()


def test_a_run_can_be_repeated_on_its_own_result(combine: Run, tmp_path: Path) -> None:
    images = [image(n, location=1, datetime=TIMES[0]) for n in "ij"]
    labels = [annotation("a", "i", bbox=[-5, 10, 20, 20]), annotation("b", "j", 0)]
    once = combine(dataset(images, labels))
    path = tmp_path / "interim" / "both" / "both_clean_cct.json"
    twice = combine(json.loads(path.read_text()), names=("a",))
    assert twice.labels() == once.labels()
    assert twice.boxes() == once.boxes()
    assert twice.dropped.empty


_box = st.none() | st.lists(
    st.sampled_from([-20, -1, 0, 0.2, 0.9, 5, 30, 60, 95, 200, float("nan")]),
    min_size=3,
    max_size=4,
)


@st.composite
def messy_datasets(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.lists(st.sampled_from("ijklm"), min_size=1, max_size=6))
    images = [
        {
            "id": name,
            "file_name": draw(st.sampled_from(["x.jpg", f"{name}.jpg"])),
            "location": draw(st.sampled_from([None, 1, "1", " A", "a"])),
            "datetime": draw(st.sampled_from([None, *TIMES])),
            "width": draw(st.sampled_from([None, 100])),
            "height": 80,
            "corrupt": draw(st.sampled_from([None, False, True])),
        }
        for name in names
    ]
    labels = [
        annotation(
            f"n{draw(st.integers(0, 9))}",
            draw(st.sampled_from("ijklmz")),
            draw(st.integers(0, 4)),
            bbox=draw(_box),
            bbox_relative=draw(_box),
            validated=draw(st.sampled_from([None, True, False])),
            sequence_level_annotation=draw(st.sampled_from([None, True, False])),
        )
        for _ in range(draw(st.integers(0, 10)))
    ]
    return dataset(images, labels)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(messy_datasets(), min_size=1, max_size=3))
def test_nothing_vanishes_without_a_row(combine: Run, values: list[dict[str, Any]]) -> None:
    try:
        out = combine(*values)
    except FieldmarkError as error:
        assert "no image is left" in str(error)  # noqa: PT017
        return
    rows = out.dropped["kind"].value_counts()
    images_in = sum(len(value["images"]) for value in values)
    annotations_in = sum(len(value["annotations"]) for value in values)
    added = out.cct.annotations["id"].str.contains("_unlabelled").sum()
    assert len(out.cct.images) + rows.get("image", 0) == images_in
    assert len(out.cct.annotations) - added + rows.get("annotation", 0) == annotations_in
    boxes = [box for box in out.boxes().values() if box is not None]
    assert all(np.isfinite(box).all() and box[2] > 0 and box[3] > 0 for box in boxes)
    assert out.cct.images["file_name"].is_unique


def test_real_datasets(real_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "interim" / "missouri"
    combine_datasets(
        CombineOptions(output_dir=out, cct=(real_data / "missouri" / "missouri_cct.json",))
    )
    missouri = Combined(out)
    # 55 boxes stand in the published file twice to five times
    assert set(missouri.dropped["reason"]) == {"duplicate_annotation"}
    assert len(missouri.dropped) == 55
    assert len(missouri.cct.images) == 651
    out = tmp_path / "interim" / "caltech"
    cct = real_data / "metadata" / "caltech_cis_val_cct.json"
    combine_datasets(CombineOptions(output_dir=out, cct=(cct,)))
    caltech = Combined(out)
    assert caltech.summary["locations"] == 10
    assert caltech.reasons("annotation").keys() >= set()
    assert set(caltech.dropped["reason"]) == {"whole_image", "no_annotation_left"}
    assert caltech.cct.categories["name"].tolist()[0] == "empty"
