import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from classification.data.cct import Cct, read_cct
from classification.data.clean.step import combine_datasets
from classification.data.options import CombineOptions
from classification.errors import FieldmarkError
from classification.paths import InterimPaths
from classification.schemas import DroppedTable, read_csv

Run = Callable[..., tuple[Cct, dict[str, str]]]


def detection(*box: float, conf: float = 0.9, category: str = "1") -> dict[str, Any]:
    return {"category": category, "conf": conf, "bbox": list(box or (0.1, 0.2, 0.3, 0.4))}


def results(**files: Any) -> dict[str, Any]:
    """Detections by image; text is a failure."""
    images = [
        {"file": f"{name}.jpg", "failure": found, "detections": None}
        if isinstance(found, str)
        else {"file": f"{name}.jpg", "detections": found}
        for name, found in files.items()
    ]
    return {
        "info": {"format_version": "1.4", "detector": "md_v5a"},
        "detection_categories": {"1": "animal", "2": "person", "3": "vehicle"},
        "images": images,
    }


def dataset(**labels: Any) -> dict[str, Any]:
    """Frames without boxes; each word of a label is an annotation."""
    names = ["empty", "deer", "coyote"]
    return {
        "images": [{"id": n, "file_name": f"{n}.jpg", "width": 100, "height": 80} for n in labels],
        "annotations": [
            {"id": f"{n}_{word}", "image_id": n, "category_id": names.index(word)}
            for n, text in labels.items()
            for word in text.split()
        ],
        "categories": [{"id": i, "name": name} for i, name in enumerate(names)],
    }


@pytest.fixture
def combine(tmp_path: Path) -> Run:
    def run(found: Any, value: Any = None, **options: Any) -> tuple[Cct, dict[str, str]]:
        (tmp_path / "md.json").write_text(json.dumps(found))
        (tmp_path / "set_cct.json").write_text(json.dumps(value))
        out = tmp_path / "interim" / "set"
        cct = (tmp_path / "set_cct.json",) if value else ()
        combine_datasets(
            CombineOptions(output_dir=out, cct=cct, md_results=(tmp_path / "md.json",), **options)
        )
        paths = InterimPaths(out)
        dropped = read_csv(paths.dropped, DroppedTable, what="dropped")
        return read_cct(paths.clean_cct), dict(zip(dropped["id"], dropped["reason"], strict=True))

    return run


def labels(cct: Cct) -> dict[str, str]:
    return dict(zip(cct.annotations["id"], cct.names, strict=True))


def test_boxes_take_the_one_label_of_their_image(combine: Run) -> None:
    cct, dropped = combine(
        results(i=[detection(), detection(0.5, 0.5, 0.2, 0.2)]), dataset(i="deer")
    )
    assert labels(cct) == {"i_md00": "deer", "i_md01": "deer"}
    assert cct.annotations["bbox"].tolist() == [[10, 16, 30, 32], [50, 40, 20, 16]]
    assert cct.annotations["confidence"].tolist() == [0.9, 0.9]
    assert set(cct.annotations["box_source"]) == {"md_v5a"}
    assert dropped == {"i_deer": "covered_by_box"}


def test_nobody_knows_which_of_several_labels_a_box_has(combine: Run) -> None:
    cct, dropped = combine(results(i=[detection()]), dataset(i="deer coyote"))
    assert labels(cct) == {"i_md00": "unlabelled"}
    assert set(dropped.values()) == {"several_labels_for_boxes"}


def test_a_person_said_there_is_nothing(combine: Run) -> None:
    cct, dropped = combine(results(i=[detection()]), dataset(i="empty"))
    assert labels(cct) == {"i_empty": "empty"}
    assert dropped == {"i_md00": "box_on_empty_image"}


def test_images_without_detections_keep_their_label_for_the_frame(combine: Run) -> None:
    cct, dropped = combine(results(i=[]), dataset(i="deer"))
    assert labels(cct) == {"i_deer": "deer"}
    assert dropped == {}


def test_own_boxes_come_first(combine: Run) -> None:
    value = dataset(i="deer")
    value["annotations"][0]["bbox"] = [1, 2, 30, 40]
    cct, _ = combine(results(i=[detection()]), value)
    assert cct.annotations["bbox"].tolist() == [[1, 2, 30, 40]]


def test_threshold_and_categories(combine: Run) -> None:
    found = results(i=[detection(conf=0.3), detection(category="2"), detection(0, 0, 0.2, 0.2)])
    cct, dropped = combine(found, dataset(i="deer"), md_threshold=0.5)
    assert labels(cct) == {"i_md02": "deer"}
    assert dropped == {"i_md01": "other_category", "i_deer": "covered_by_box"}


def test_failures_and_null_detections(combine: Run) -> None:
    found = results(i="Failure image access", j=None, k=[detection()], labelled="bad")
    cct, dropped = combine(found, dataset(i="", j="", k="", labelled="deer"))
    assert labels(cct) == {"labelled_deer": "deer", "k_md00": "unlabelled"}
    assert dropped == {"i": "detector_failure", "j": "detector_failure"}


def test_searched_and_empty_images_stay_without_annotation(combine: Run) -> None:
    cct, dropped = combine(results(i=[], j=[detection()]), dataset(i="", j=""))
    assert cct.images["id"].tolist() == ["i", "j"]
    assert labels(cct) == {"j_md00": "unlabelled"}
    assert dropped == {}


def test_results_alone_are_an_unlabelled_dataset(combine: Run) -> None:
    cct, _ = combine(results(i=[detection()], j=[]))
    assert cct.images["file_name"].tolist() == ["i.jpg", "j.jpg"]
    assert cct.annotations["bbox_relative"].tolist() == [[0.1, 0.2, 0.3, 0.4]]
    assert labels(cct) == {"i.jpg_md00": "unlabelled"}


def test_back_slashes_and_prefixed_files_are_found(combine: Run) -> None:
    value = dataset(i="deer")
    value["images"][0]["file_name"] = "cam/i.jpg"
    found = results(i=[detection()])
    for file in ("cam\\i.jpg", "set/cam/i.jpg"):
        found["images"][0]["file"] = file
        assert labels(combine(found, value)[0]) == {"i_md00": "deer"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"info": {"format_version": "2.0"}}, "format_version is 2.0"),
        ({"images": []}, "'images' is missing or empty"),
        ({"detection_categories": None}, "'detection_categories' is missing"),
        ({"annotations": []}, "give it to --cct"),
        ({"images": [{"file": "z.jpg", "detections": []}]}, "none of the files"),
    ],
)
def test_files_that_are_no_results(combine: Run, change: dict[str, Any], words: str) -> None:
    with pytest.raises(FieldmarkError, match=words):
        combine(results(i=[]) | change, dataset(i="deer"))


def test_absolute_names_cannot_stand_alone(combine: Run) -> None:
    found = results(i=[detection()])
    found["images"][0]["file"] = "/data/i.jpg"
    with pytest.raises(FieldmarkError, match="output_relative_filenames"):
        combine(found)


def test_genuine_results(real_data: Path, tmp_path: Path) -> None:
    path = real_data / "metadata" / "tai_test_megadetector.json"
    out = tmp_path / "interim" / "tai"
    combine_datasets(CombineOptions(output_dir=out, md_results=(path,)))
    cct = read_cct(InterimPaths(out).clean_cct)
    value = json.loads(path.read_text())
    strong = [
        (image["file"], one["bbox"])
        for image in value["images"]
        for one in image["detections"]
        if one["conf"] >= 0.2 and one["category"] == "1" and min(one["bbox"][2:]) < 0.95
    ]
    assert len(cct.images) == 4464
    assert list(zip(cct.annotations["image_id"], cct.annotations["bbox_relative"])) == strong  # noqa: B905
