import numpy as np
import pytest

from classification import figures
from classification.comparison import result_figures
from classification.comparison.savings import labels_saved
from classification.comparison.statistics import summary, win_matrix

from .made_results import made_results

LEVELS = {"random": 0.3, "good": 0.4, "$odd_name$": 0.3, "bad": 0.2}


@pytest.fixture(scope="module")
def results():
    return made_results(LEVELS)


@pytest.fixture(scope="module")
def table(results):
    return summary(results)


def texts(figure):
    return figures.to_svg(figure)


def test_every_strategy_has_a_panel_beside_the_baseline_best_first(results, table):
    figure = result_figures.strategy_curves(results, table, task="a")
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title(loc="left").split()[0] for axes in shown] == [
        "good",
        "$odd_name$",
        "bad",
    ]
    assert float(shown[0].get_title(loc="left").split()[1]) == pytest.approx(10, abs=1)
    for axes in shown:
        base, own = axes.lines
        assert list(base.get_xdata()) == [20, 40, 60, 80, 100]
        assert len(own.get_ydata()) == 5
    means = results[results["task"] == "a"].groupby(["strategy", "round"])["macro_f1"].mean()
    assert list(shown[0].lines[1].get_ydata()) == pytest.approx(means["good"].tolist())


def test_bands_show_the_paired_gain_not_the_spread_of_the_splits(results, table):
    """Splits differ by 0.05, strategies on one split by 0.01: the band is narrow."""
    figure = result_figures.strategy_curves(results, table, task="a")
    band = figure.axes[0].collections[0].get_paths()[0].vertices[:, 1]
    assert np.ptp(band) < 0.3
    assert figure.axes[0].collections[0].get_paths()[0].get_extents().height < 0.24


def test_gains_mark_what_is_no_luck(table):
    figure = result_figures.area_gains(table)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["a", "b"]
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert names == ["good", "$odd_name$", "bad"]
    faces = figure.axes[0].collections[1].get_facecolors()
    assert not np.allclose(faces[0], 1)  # filled
    assert np.allclose(faces[1], 1)  # hollow: the same as random


def test_savings_and_wins_name_every_strategy(results):
    saved = labels_saved(results, rng=np.random.default_rng(0), resamples=50)
    shown = texts(result_figures.savings(saved))
    assert all(name in shown for name in ("good", "$odd_name$", "bad", "% of labels saved"))
    matrix = win_matrix(results)
    figure = result_figures.wins(matrix, tasks=2)
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert names[0] == "good"
    assert names[-1] == "bad"
    assert "2" in [text.get_text() for text in figure.axes[0].texts]


@pytest.mark.parametrize("seeds", [1, 2])
def test_few_seeds_are_drawn_without_claims(seeds):
    few = made_results(LEVELS, seeds=seeds)
    figure = result_figures.strategy_curves(few, summary(few), task="b")
    assert figure.axes[0].lines
    texts(figure)
    texts(result_figures.area_gains(summary(few), theme=figures.DARK))


def test_thirty_strategies_are_small_multiples_eight_inches_wide():
    many = made_results(
        {"random": 0.3} | {f"strategy {i}": 0.3 + i / 500 for i in range(30)}, seeds=3
    )
    figure = result_figures.strategy_curves(many, summary(many), task="a")
    assert figure.get_figwidth() == 8
    assert sum(axes.get_visible() for axes in figure.axes) == 30
