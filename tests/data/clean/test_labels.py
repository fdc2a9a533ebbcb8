from pathlib import Path

import pytest

from classification.errors import FieldmarkError
from tests.data.clean.datasets import Run, annotation, dataset, image


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
