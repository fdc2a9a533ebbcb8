import re

import numpy as np
import pandas as pd
import pytest

from classification.comparison.statistics import (
    areas,
    caveats,
    labels_to_reach,
    summary,
    win_matrix,
)
from classification.errors import FieldmarkError


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


def test_a_strategy_is_compared_on_the_seeds_it_shares():
    table = results({"random": 0.3, "good": 0.4}, noise=0)
    few = table[(table["strategy"] == "random") | (table["seed"] % 4 == 0)]
    good = summary(few).set_index(["task", "strategy"]).loc[("a", "good")]
    assert good["gain"] == pytest.approx(0.1)
    shared = few[(few["task"] == "a") & (few["seed"] % 4 == 0) & (few["strategy"] == "good")]
    assert good["area"] == pytest.approx(shared["macro_f1"].mean())
    assert good["labels"] == pytest.approx(30)
    assert "a: good played fewer than 12 seeds" in caveats(few)[1]
    assert not win_matrix(few).to_numpy().any()  # 3 seeds
    with pytest.raises(FieldmarkError, match="'good' and 'random' share no seed"):
        summary(few[(few["strategy"] == "good") | (few["seed"] % 4 == 1)])


def test_results_without_the_baseline_are_refused_by_name():
    with pytest.raises(FieldmarkError, match="a has no strategy 'random' to compare with; there"):
        summary(results({"good": 0.4}))


@pytest.mark.parametrize(
    ("seeds", "strategies", "said"),
    [
        (2, 1, "2 seeds: too few to claim anything; differences may be luck. Give --seeds 6"),
        (5, 1, "with 1 strategies beside the baseline no difference, .* or give --seeds 6"),
        (6, 1, None),
        (7, 3, "among 6 pairs of strategies no difference, .* give --seeds 8"),
        (8, 3, None),
    ],
)
def test_seeds_that_cannot_show_a_difference_are_told_with_how_many_would(seeds, strategies, said):
    levels = {"random": 0.1} | {f"s{i}": 0.3 + 0.2 * i for i in range(strategies)}
    table = results(levels, seeds=seeds, noise=0)
    notes = caveats(table)
    assert (notes == []) == (said is None)
    if said is None:  # and indeed all differences do come out
        assert win_matrix(table).to_numpy().sum() == 2 * len(levels) * strategies // 2
    else:
        assert re.search(said, notes[0])
