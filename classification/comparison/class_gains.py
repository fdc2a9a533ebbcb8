"""Which classes a strategy finds better than the baseline, and is it luck."""

from typing import TYPE_CHECKING, Any

from classification.comparison.paired import correct, gain_of

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = ["task", "label", "strategy", "seeds", "recall", "gain", "low", "high", "p"]


def class_gains(recall: "pd.DataFrame", *, baseline: str = "random") -> "pd.DataFrame":
    """Recall of each class, averaged over the learning curve, and its gain over the baseline.

    Seeds whose test lacks the class are left out. p comes from the Wilcoxon signed-rank test over
    the seeds that both have, Holm-corrected over all classes and strategies of a dataset.

    Args:
        recall: as `RecallTable`, of one model.
        baseline: strategy that gains are measured against; its own rows have no p.

    Returns:
        task, label, strategy, seeds (that tell), recall, gain, low and high (95 %, Student's t), p;
        in the order of the classes, strategies by name.
    """
    import pandas as pd

    areas = recall.pivot_table(
        index=["task", "label", "seed"], columns="strategy", values="recall", sort=False
    )
    rows: list[dict[str, Any]] = []
    for task, of_task in areas.groupby(level="task", sort=False):
        found = [
            {"task": task, "label": label, "strategy": name} | _against(part, name, baseline)
            for label, part in of_task.groupby(level="label", sort=False)
            for name in sorted(part.columns[part.notna().any()])
        ]
        correct(found)
        rows += found
    return pd.DataFrame(rows, columns=_COLUMNS)


def _against(part: "pd.DataFrame", name: str, baseline: str) -> dict[str, float]:
    """One class and strategy: `part` has a row per seed and a column per strategy."""
    own = part[name].dropna()
    gain = (own - part[baseline]).dropna().to_numpy()
    found = {"seeds": len(gain), "recall": float(own.mean()), **gain_of(gain)}
    return found | ({"p": float("nan")} if name == baseline else {})
