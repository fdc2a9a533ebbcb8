import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification.data import inspection
from classification.data.cct import Cct


def table(rows):
    """Rows of (label, group) as a classification table with the columns that count here."""
    return pd.DataFrame(
        {
            "path": [f"{i}.jpg" for i in range(len(rows))],
            "dataset": "d",
            "label": pd.Series([label for label, _ in rows], dtype="str"),
            "group": pd.Series([group for _, group in rows], dtype="str"),
        }
    )


ROWS = [("deer", "a")] * 3 + [("deer", "b")] * 3 + [("fox", "a")] * 2 + [(None, "c")]


def test_counts_by_location_are_ordered_and_name_the_unlabelled():
    counts = inspection.class_by_location(table(ROWS))
    assert counts.index.tolist() == ["deer", "fox", "unlabelled"]
    assert counts.columns.tolist() == ["a", "b", "c"]
    assert counts.to_numpy().tolist() == [[3, 3, 0], [2, 0, 0], [0, 0, 1]]


def test_locations_of_two_datasets_are_told_apart():
    both = pd.concat([table(ROWS), table(ROWS).assign(dataset="e")], ignore_index=True)
    assert "d/a" in inspection.class_by_location(both).columns


def test_summary_says_how_much_one_camera_holds():
    summary = inspection.class_summary(inspection.class_by_location(table(ROWS)))
    assert summary.loc["deer"].tolist() == [6, 2, 2.0, "a", 0.5]
    assert summary.loc["fox"].tolist() == [2, 1, 1.0, "a", 1.0]


@given(st.lists(st.tuples(st.sampled_from("pqr"), st.sampled_from("abcd")), min_size=1))
def test_a_class_is_never_in_more_effective_locations_than_locations(rows):
    counts = inspection.class_by_location(table(rows))
    summary = inspection.class_summary(counts)
    assert counts.to_numpy().sum() == len(rows)
    assert (summary["effective_locations"] >= 1).all()
    assert (summary["effective_locations"] <= summary["locations"] + 0.05).all()


def test_a_split_without_a_class_is_a_zero():
    split = pd.Series(["train"] * 6 + ["test"] * 3)
    counts = inspection.class_by_split(table(ROWS), split)
    assert counts.columns.tolist() == ["train", "val", "test"]
    assert counts.loc["deer"].tolist() == [6, 0, 0]
    assert counts.loc["fox"].tolist() == [0, 0, 2]


@given(st.integers(0, 100))
def test_examples_visit_every_camera_before_any_twice(seed):
    rows = table([("deer", "a")] * 50 + [("deer", "b"), ("deer", "c"), ("fox", "a")])
    drawn = inspection.examples(rows, per_class=4, rng=np.random.default_rng(seed))
    deer = drawn[drawn["label"] == "deer"]
    assert deer["group"].value_counts().to_dict() == {"a": 2, "b": 1, "c": 1}
    assert drawn["path"].is_unique
    assert drawn["label"].tolist() == ["deer"] * 4 + ["fox"]


def test_look_alikes_put_crossed_splits_before_mixed_labels_before_size():
    rows = table([("deer", "a")] * 3 + [("deer", "a"), ("fox", "a")] + [("fox", "b")] * 2)
    split = pd.Series(["train"] * 5 + ["train", "test"])
    clusters = pd.Series(["0"] * 3 + ["3"] * 2 + ["5"] * 2, dtype="str")
    found = inspection.look_alikes(rows, split, clusters)
    assert found["first"].tolist() == ["5.jpg", "3.jpg", "0.jpg"]
    assert found["crops"].tolist() == [2, 2, 3]
    assert found["splits"].tolist() == ["test, train", "train", "train"]
    assert found["labels"].tolist() == ["fox", "deer, fox", "deer"]


@pytest.mark.parametrize("clusters", [[None, None], ["0", None], ["0", "1"]])
def test_nothing_looks_like_itself(clusters):
    split = pd.Series(["train", "test"])
    rows = table([("deer", "a"), ("fox", "b")])
    found = inspection.look_alikes(rows, split, pd.Series(clusters, dtype="str"))
    assert found.empty
    assert found["crops"].sum() == 0
    assert list(found) == ["crops", "labels", "locations", "splits", "first"]


def cct(names):
    ids = {name: i for i, name in enumerate(dict.fromkeys(names))}
    return Cct(
        info={},
        images=pd.DataFrame(),
        annotations=pd.DataFrame({"category_id": [ids[n] for n in names]}),
        categories=pd.DataFrame({"id": list(ids.values()), "name": list(ids)}),
    )


def test_categories_before_and_after_keep_the_spelling_of_each_file():
    counts = inspection.category_counts(
        {"one": cct(["fox", "fox", "rat"]), "two": cct(["Fox "])}, cct(["fox", "fox", "fox"])
    )
    assert list(counts) == ["one", "two", "clean"]
    assert counts.loc["fox"].tolist() == [2, 0, 3]
    assert counts.loc["Fox "].tolist() == [0, 1, 0]
    assert counts.loc["rat"].tolist() == [1, 0, 0]
