"""What each returned row means, as a table of cases."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification.labelling.timelapse.rows import class_key, sort_rows

ITEMS = ["cam1/a.jpg", "cam1/b.jpg", "cam2/day 1/a.jpg", "top.jpg", "cam1/A2.JPG"]
CLASSES = ["gray_fox", "deer", "élan"]


def returned(*rows):
    table = pd.DataFrame(rows, columns=["RelativePath", "File", "Species"], dtype=str)
    table = table[["File", "RelativePath", "Species"]]
    table.index = pd.RangeIndex(2, len(table) + 2)
    return table


def sort(*rows, wanted=tuple(ITEMS), known=None, accept_new=False, classes=CLASSES):
    return sort_rows(
        returned(*rows),
        items=ITEMS,
        wanted=wanted,
        known=known or {},
        classes=classes,
        accept_new=accept_new,
    )


@pytest.mark.parametrize(
    ("folder", "file", "item"),
    [
        ("cam1", "a.jpg", "cam1/a.jpg"),
        ("cam2\\day 1", "a.jpg", "cam2/day 1/a.jpg"),
        ("cam2/day 1/", "a.jpg", "cam2/day 1/a.jpg"),
        (".\\cam1\\", " a.jpg ", "cam1/a.jpg"),
        ("", "top.jpg", "top.jpg"),
        ("CAM1", "a2.jpg", "cam1/A2.JPG"),
    ],
)
def test_paths_as_windows_and_linux_write_them(folder, file, item):
    assert sort((folder, file, "deer")).answers == {item: "deer"}


@pytest.mark.parametrize(
    ("species", "answer"),
    [
        ("deer", "deer"),
        (" Deer ", "deer"),
        ("Gray Fox", "gray_fox"),
        ("ÉLAN", "élan"),
        ("unsure", "unsure"),
        ("Exclude", "exclude"),
    ],
)
def test_species_as_people_write_them(species, answer):
    assert sort(("cam1", "a.jpg", species)).answers == {"cam1/a.jpg": answer}


def test_rows_that_cannot_be_taken_are_listed_one_by_one():
    found = sort(
        ("cam1", "a.jpg", "der"),  # row 2
        ("cam1", "nowhere.jpg", "deer"),
        ("cam1", "b.jpg", "deer"),
        ("cam1", "b.jpg", "gray fox"),
        ("", "top.jpg", "deer"),
        ("", "top.jpg", "Deer"),
        ("cam1", "A2.JPG", ""),
    )
    assert found.answers == {"top.jpg": "deer"}
    assert dict(zip(found.problems["row"], found.problems["problem"], strict=True)) == {
        2: "unknown species 'der'; did you mean deer?",
        3: "no such image in the dataset",
        4: "conflict: rows 4, 5 say deer and gray_fox",
        5: "conflict: rows 4, 5 say deer and gray_fox",
        7: "duplicate of row 6, which was taken",
    }
    assert list(found.problems.columns) == ["row", "File", "RelativePath", "Species", "problem"]
    assert found.problems["Species"].tolist() == ["der", "deer", "deer", "gray fox", "Deer"]
    assert found.notes == ["1 rows without a species"]


def test_labels_of_images_that_were_not_selected_are_ignored_with_a_note():
    found = sort(
        ("cam1", "a.jpg", "deer"),
        ("cam1", "b.jpg", "deer"),
        ("", "top.jpg", "deer"),
        ("cam1", "A2.JPG", "whatever"),
        wanted=["cam1/a.jpg"],
        known={"cam1/b.jpg": "deer", "top.jpg": "gray_fox"},
    )
    assert found.answers == {"cam1/a.jpg": "deer"}
    assert found.problems.empty
    assert found.notes == [
        "1 labels that were taken before",
        "1 labels that differ from those taken before; to correct one, use label.py import",
        "1 labels ignored, of images that were not selected",
    ]


def test_a_new_class_is_taken_when_that_is_allowed_and_spelt_one_way():
    rows = [
        ("cam1", "a.jpg", "Maned Wolf"),
        ("cam1", "b.jpg", "maned wolf"),
        ("", "top.jpg", "deer"),
    ]
    found = sort(*rows, accept_new=True)
    assert found.answers["cam1/a.jpg"] == found.answers["cam1/b.jpg"] == "maned_wolf"
    assert found.new_classes == ["maned_wolf"]
    assert len(sort(*rows).problems) == 2


def test_a_class_may_be_called_like_an_answer():
    assert sort(("cam1", "a.jpg", "Skip"), classes=["skip", "deer"]).answers == {
        "cam1/a.jpg": "skip"
    }


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["cam1", "", "CAM1", "cam2\\day 1", "x"]),
        st.sampled_from(["a.jpg", "b.jpg", "top.jpg"]),
        st.sampled_from(["", "deer", "gray fox", "wolf", "unsure"]),
    ),
    max_size=15,
)


@given(ROWS, st.sets(st.sampled_from(ITEMS)))
def test_no_row_is_dropped_without_a_word(rows, wanted):
    found = sort(*rows, wanted=wanted)
    counted = sum(int(note.split()[0]) for note in found.notes)
    assert len(found.answers) + len(found.problems) + counted == len(rows)
    assert set(found.answers) <= wanted


@given(st.text())
def test_a_class_key_is_stable(name):
    assert class_key(class_key(name)) == class_key(name)
