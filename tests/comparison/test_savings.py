import numpy as np
import pytest

from classification.comparison.savings import labels_saved

from .made_results import made_results


def saved(results, **options):
    table = labels_saved(results, rng=np.random.default_rng(0), **options)
    return table.set_index(["task", "strategy"])


def test_a_curve_one_round_ahead_saves_a_round():
    table = saved(made_results({"random": 0.3, "good": 0.35, "same": 0.3}, noise=0))
    assert table.loc[("a", "good"), "saved"] == pytest.approx(1 / 5)
    assert table.loc[("a", "same"), "saved"] == pytest.approx(0)
    assert ("a", "random") not in table.index


def test_a_strategy_that_never_gets_there_saves_nothing():
    table = saved(made_results({"random": 0.4, "bad": 0.2}, noise=0))
    assert (table.loc[("b", "bad")] == 0).all()


def test_a_strategy_that_begins_above_the_level_needs_the_first_labels():
    table = saved(made_results({"random": 0.2, "best": 0.6}, noise=0))
    assert table.loc[("a", "best"), "saved"] == pytest.approx(4 / 5)


def test_the_interval_is_about_seeds():
    calm, rough = (
        saved(made_results({"random": 0.3, "good": 0.34}, noise=noise)).loc[("a", "good")]
        for noise in (0.001, 0.05)
    )
    for row in (calm, rough):
        assert row["low"] <= row["saved"] <= row["high"]
    assert calm["high"] - calm["low"] < rough["high"] - rough["low"]


def test_seeds_without_the_baseline_or_without_the_end_do_not_count():
    results = made_results({"random": 0.3, "good": 0.35}, noise=0)
    torn = results[
        ~((results["strategy"] == "good") & (results["seed"] == 0) & (results["round"] > 2))
    ]
    torn = torn[~((torn["strategy"] == "random") & (torn["seed"] == 1))]
    assert saved(torn).loc[("a", "good"), "saved"] == pytest.approx(1 / 5)
    assert saved(results[results["strategy"] == "good"]).empty
