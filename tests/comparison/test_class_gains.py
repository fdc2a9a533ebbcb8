import numpy as np
import pandas as pd
import pytest

from classification.comparison.class_gains import class_gains
from classification.comparison.report import class_rows


def recalls(levels, *, seeds=12, lacking=()):
    """Recall by class of strategies, rising by 0.1 a round; tests of some seeds lack the fox."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        [
            {
                "task": "a",
                "model": "m",
                "strategy": name,
                "seed": seed,
                "round": number,
                "label": label,
                "recall": np.nan
                if label == "fox" and seed in lacking
                else level + 0.1 * number + rng.normal(scale=0.005),
                "queried": 1,
            }
            for name, of_class in levels.items()
            for seed in range(seeds)
            for number in range(3)
            for label, level in of_class.items()
        ]
    )


LEVELS = {
    "random": {"deer": 0.5, "fox": 0.2},
    "rare": {"deer": 0.5, "fox": 0.4},
}


def test_the_class_that_gains_is_found_and_the_other_is_not():
    table = class_gains(recalls(LEVELS)).set_index(["label", "strategy"])
    fox, deer = table.loc[("fox", "rare")], table.loc[("deer", "rare")]
    assert (fox["recall"], fox["gain"]) == (
        pytest.approx(0.5, abs=0.01),
        pytest.approx(0.2, abs=0.01),
    )
    assert fox["low"] < fox["gain"] < fox["high"]
    assert fox["p"] == pytest.approx(2 * 2.0**-11)  # twice the smallest: two tests were made
    assert deer["p"] > 0.05
    assert table.loc[("fox", "random"), ["gain", "p"]].isna().tolist() == [False, True]


def test_only_seeds_whose_test_has_the_class_tell():
    table = class_gains(recalls(LEVELS, lacking=range(1, 12))).set_index(["label", "strategy"])
    assert table.loc[("fox", "rare"), "seeds"] == 1
    assert np.isnan(table.loc[("fox", "rare"), "low"])
    assert table.loc[("fox", "rare"), "p"] == 1
    assert table.loc[("deer", "rare"), "seeds"] == 12
    assert set(class_gains(recalls(LEVELS, lacking=range(12)))["label"]) == {"deer"}


def test_rows_of_the_report_keep_the_order_of_the_strategies():
    rows = class_rows(class_gains(recalls(LEVELS)), strategies=["rare", "gone", "random"])
    assert [row["label"] for row in rows] == ["deer", "fox"]
    assert [cell and cell["strategy"] for cell in rows[0]["cells"]] == ["rare", None, "random"]
