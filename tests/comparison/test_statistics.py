import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification.comparison.statistics import areas, holm, labels_to_reach, summary, win_matrix


def results(levels, *, seeds=12, noise=0.01):
    """Curves that rise by 0.1 a round from each strategy's level, on two datasets."""
    rng = np.random.default_rng(0)
    luck = {(task, seed): rng.normal(scale=0.05) for task in "ab" for seed in range(seeds)}
    rows = [
        {
            "task": task,
            "strategy": name,
            "seed": seed,
            "round": number,
            "num_labels": 10 * (number + 1),
            "macro_f1": level + 0.1 * number + shift + rng.normal(scale=noise),
            "seconds": 0.1,
            "successor_macro_f1": level if number == 3 else np.nan,
        }
        for (task, seed), shift in luck.items()
        for name, level in levels.items()
        for number in range(4)
    ]
    return pd.DataFrame(rows)


def test_a_real_difference_is_found_and_luck_is_not():
    table = summary(results({"random": 0.3, "good": 0.4, "same": 0.3, "bad": 0.2}))
    a = table[table["task"] == "a"].set_index("strategy")
    assert a.index[0] == "good"
    assert a.loc["good", "gain"] == pytest.approx(0.1, abs=0.01)
    assert a.loc["good", "low"] < 0.1 < a.loc["good", "high"] + 0.01
    assert a.loc["good", "p"] < 0.05
    assert a.loc["bad", "p"] < 0.05
    assert a.loc["same", "p"] > 0.05
    assert np.isnan(a.loc["random", "p"])


def test_labels_to_reach_the_level_of_random_are_read_off_the_mean_curve():
    table = results({"random": 0.3, "good": 0.4, "bad": 0.2}, noise=0)
    part = table[table["task"] == "a"]
    assert labels_to_reach(part, "good", baseline="random") == pytest.approx(30)
    assert labels_to_reach(part, "random", baseline="random") == pytest.approx(40)
    assert np.isnan(labels_to_reach(part, "bad", baseline="random"))


def test_wins_are_counted_over_datasets():
    wins = win_matrix(results({"random": 0.3, "good": 0.4, "same": 0.3}, noise=0))
    assert wins.loc["good", "random"] == 2
    assert wins.loc["random", "good"] == 0
    assert wins.loc["same", "random"] + wins.loc["random", "same"] == 0


def test_the_area_is_the_mean_over_rounds():
    table = results({"random": 0.3}, noise=0)
    means = table.groupby(["task", "seed"])["macro_f1"].mean()
    assert np.allclose(areas(table)["random"], means)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_only_raises_p_and_keeps_the_order(values):
    p = np.array(values)
    corrected = holm(p)
    assert (corrected >= p).all()
    assert (corrected <= 1).all()
    assert (np.diff(corrected[np.argsort(p, kind="stable")]) >= 0).all()
    assert corrected.min() == pytest.approx(min(1, p.min() * len(p)))
