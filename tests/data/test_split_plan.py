"""Plans for a table: nothing is torn apart, what is frozen stays, and what cannot be is said."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classification.data.audit import audit
from classification.data.split_plan import SplitPlan, SplitTargets, plan_splits
from classification.data.splits import SPLITS, assign_splits
from classification.errors import FieldmarkError
from tests.data.archive import make_table

METHODS = ["search", "random", "smallest_first"]


def balanced(locations: int = 12, per_location: int = 4) -> pd.DataFrame:
    labels = ["fox", "deer", "cat"]
    return make_table(
        [
            (f"cam{i:02d}", labels[(i + n) % 3])
            for i in range(locations)
            for n in range(per_location)
        ]
    )


def plan(table: pd.DataFrame, **fields: Any) -> SplitPlan:
    keys = ("frozen", "near_duplicates", "sequences")
    extra = {key: fields.pop(key) for key in keys if key in fields}
    return plan_splits(table, SplitTargets(**fields), **extra)


def names(splits: Mapping[str, set[tuple[str, str]]]) -> dict[str, set[str]]:
    return {split: {group for _, group in groups} for split, groups in splits.items()}


@pytest.mark.parametrize("method", METHODS)
def test_every_method_fills_all_splits_near_their_shares(method: str):
    table = balanced(locations=40)
    found = plan(table, method=method)
    split = assign_splits(table, found.splits)
    share = split.value_counts(normalize=True)
    assert share["train"] == pytest.approx(0.7, abs=0.1)
    assert table["label"].groupby(split).nunique().to_dict() == dict.fromkeys(SPLITS, 3)
    assert found.report["splits"]["test"]["crops"] == (split == "test").sum()
    assert found.report["score"] < 1


@st.composite
def rows(draw: st.DrawFn) -> list[tuple[str, str | None]]:
    size = draw(st.integers(8, 30))
    label = st.sampled_from(["a", "a", "b", "c", None])
    shown = draw(st.lists(st.tuples(st.integers(0, 7), label), min_size=size, max_size=size))
    sure = [(str(i), name) for i in range(4) for name in ("a", "b")]
    return [*sure, *((str(i), name) for i, name in shown)]


@settings(max_examples=15)
@given(shown=rows(), seed=st.integers(0, 3), method=st.sampled_from(METHODS), data=st.data())
def test_every_group_is_in_one_split_and_nothing_leaks(shown, seed: int, method: str, data):
    sequence = [data.draw(st.sampled_from([f"s{i}", f"s{i}", "shared"])) for i in range(len(shown))]
    table = make_table(shown, seq_id=sequence if data.draw(st.booleans()) else [None] * len(shown))
    try:
        found = plan(table, method=method, seed=seed, min_crops=1)
    except FieldmarkError:  # too few groups once those that share a sequence are joined
        return
    groups = [group for s in SPLITS for group in found.splits[s]]
    assert sorted(groups) == sorted(set(zip(table["dataset"], table["group"], strict=True)))
    split = assign_splits(table, found.splits)
    assert audit(table, split) == []
    assert plan(table, method=method, seed=seed, min_crops=1).splits == found.splits


@settings(max_examples=15)
@given(shown=rows(), least=st.integers(1, 3))
def test_guarantees_hold_or_are_reported(shown, least: int):
    table = make_table(shown)
    try:
        found = plan(table, min_crops=least, min_groups=least)
    except FieldmarkError:
        return
    split = assign_splits(table, found.splits)
    unmet = {(item["class"], item["split"]) for item in found.report["guarantees"]["unmet"]}
    for name in table["label"].dropna().unique():
        for part in SPLITS:
            here = table[(table["label"] == name) & (split == part)]
            held = len(here) >= least and here["group"].nunique() >= least
            assert held != ((name, part) in unmet)
    assert all(item["why"] for item in found.report["guarantees"]["unmet"])


def test_a_class_at_one_location_is_trained_and_reported():
    table = pd.concat([balanced(), make_table([("rare", "lynx")] * 6)], ignore_index=True)
    table["path"] = [f"{i}.jpg" for i in range(len(table))]
    table = table.assign(image_id=table["path"], seq_id=table["path"], sha256=table["path"])
    found = plan(table)
    assert ("d", "rare") in found.splits["train"]
    unmet = [item for item in found.report["guarantees"]["unmet"] if item["class"] == "lynx"]
    assert [(item["split"], item["crops"]) for item in unmet] == [("val", 0), ("test", 0)]
    assert unmet[0]["why"] == "impossible: 1 groups show the class, 3 splits need 1 each"


def test_locations_that_nobody_has_labelled_are_there_to_learn_from():
    table = balanced()
    table.loc[table["group"].isin(["cam03", "cam07"]), "label"] = None
    found = plan(table)
    assert {"cam03", "cam07"} <= names(found.splits)["train"]
    assert found.report["splits"]["train"]["unlabelled"] == 8


def test_groups_that_look_alike_stay_together():
    table = balanced()
    near = pd.Series(None, index=table.index, dtype="str")
    near[table["group"].isin(["cam01", "cam05", "cam09"])] = "0.jpg"
    found = plan(table, near_duplicates=near)
    assert any({"cam01", "cam05", "cam09"} <= groups for groups in names(found.splits).values())
    assert found.report["groups_tied_by_shared_content"] == 3


def test_only_a_split_by_image_may_tear_sequences_apart():
    table = balanced(locations=12)
    table["group"] = "image:" + table["image_id"]
    table["seq_id"] = table["location"]
    torn = assign_splits(table, plan(table, sequences=False, seed=1).splits)
    kept = assign_splits(table, plan(table, seed=1).splits)
    assert torn.groupby(table["seq_id"]).nunique().max() > 1
    assert kept.groupby(table["seq_id"]).nunique().max() == 1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("grow", [None, 0.4])
def test_a_frozen_test_set_stays_and_grows_only_from_new_locations(method: str, grow: float | None):
    old = balanced(locations=12)
    before = plan(old).splits
    new = balanced(locations=30)
    found = plan(new, frozen=before, test_frac=grow, method=method)
    now, then = names(found.splits), names(before)
    assert now["test"] >= then["test"]
    assert not now["test"] & (then["train"] | then["val"])
    assert (now["test"] > then["test"]) == (grow is not None)
    assert now["train"]
    assert now["val"]


def test_a_frozen_test_set_may_not_shrink():
    table = balanced()
    before = plan(table).splits
    gone = sorted(names(before)["test"])[0]
    with pytest.raises(FieldmarkError, match=f"(?s)would shrink.*d/{gone}"):
        plan(table[table["group"] != gone], frozen=before, test_frac=None)


def test_new_data_that_tie_a_frozen_test_location_to_a_trained_one_are_refused():
    table = balanced()
    before = plan(table).splits
    test, train = (sorted(names(before)[s])[0] for s in ("test", "train"))
    first = table["group"].isin([test, train]) & ~table["group"].duplicated()
    table.loc[first, "sha256"] = "copy"
    with pytest.raises(FieldmarkError, match=f"(?s)same picture.*d/{min(test, train)}"):
        plan(table, frozen=before, test_frac=None)


def test_shares_that_cannot_be_are_all_reported_with_the_table_faults():
    one = make_table([("a", "fox"), ("b", "fox")])
    with pytest.raises(FieldmarkError, match=r"(?s)0\.6 and --test-frac 0\.5.*1 class \(fox\)"):
        plan(one, val_frac=0.6, test_frac=0.5)


@pytest.mark.parametrize(
    ("table", "fields", "message"),
    [
        (balanced().iloc[:0], {}, "no rows"),
        (make_table([("a", None)] * 3), {}, "no labels at all"),
        (balanced(), {"test_frac": 0.0}, "test may not be 0"),
        (balanced(), {"val_frac": -0.1}, "must be a share"),
        (balanced(), {"val_frac": 1.5}, "must be a share"),
        (balanced(), {"val_frac": 0.5, "test_frac": 0.5}, "leave nothing to train"),
        (make_table([("a", "x"), ("b", "y")]), {}, "2 separate groups with labels cannot fill 3"),
        (balanced(), {"method": "random", "val_frac": 0.001}, "val gets none of the 12 groups"),
    ],
)
def test_what_cannot_be_split_says_why(table: pd.DataFrame, fields: dict, message: str):
    with pytest.raises(FieldmarkError, match=message):
        plan(table, **fields)


def test_locations_tied_by_one_sequence_id_are_the_stated_reason():
    table = balanced()
    table["seq_id"] = "1"
    with pytest.raises(FieldmarkError, match=r"12 of the 12 groups are tied.*sequence ids"):
        plan(table)


def test_a_class_that_random_leaves_out_of_training_is_named():
    shown = [(f"cam{i}", "fox") for i in range(3)] + [("cam0", "deer")]
    seeds = range(10)
    messages = []
    for seed in seeds:
        try:
            plan(make_table(shown), method="random", val_frac=0.4, test_frac=0.4, seed=seed)
        except FieldmarkError as error:
            messages.append(str(error))
    assert messages
    assert all("class 'deer' has no training crop" in m or "gets none" in m for m in messages)


def test_without_validation_nothing_goes_there():
    found = plan(balanced(), val_frac=0.0)
    assert found.splits["val"] == set()
    assert all(item["split"] != "val" for item in found.report["guarantees"]["unmet"])
    assert np.isclose(found.report["fractions"]["train"], 0.85)
