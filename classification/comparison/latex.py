"""The summary of a comparison as a table for a paper: LaTeX with booktabs."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from classification.comparison.paired import SIGNIFICANT

if TYPE_CHECKING:
    import pandas as pd

_PLAIN = str.maketrans(
    {character: f"\\{character}" for character in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
)


def latex_table(table: "pd.DataFrame", *, score: str, seeds: int, baseline: str = "random") -> str:
    """A row per strategy, best mean area first; two columns per dataset: area, and gain.

    In hundredths. The best area of a dataset is bold; a star marks a significant gain.

    Args:
        table: as `statistics.summary`.
        score: what area and gain are about.
        seeds: repetitions, for the caption.
        baseline: strategy that gains are measured against.
    """
    tasks = list(dict.fromkeys(table["task"]))
    cells = {(row["task"], row["strategy"]): row for row in table.to_dict("records")}
    best = table.groupby("task")["area"].max()
    order = table.groupby("strategy")["area"].mean().sort_values(ascending=False).index
    rows = []
    for name in order:
        columns = [_plain(str(name))]
        for task in tasks:
            row = cells.get((task, name))
            columns += ["--", ""] if row is None else _cell(row, best[task], baseline)
        rows.append(" & ".join(columns) + r" \\")
    heads = [rf"\multicolumn{{2}}{{c}}{{{_plain(str(task))}}}" for task in tasks]
    rules = [rf"\cmidrule(lr){{{2 * i + 2}-{2 * i + 3}}}" for i in range(len(tasks))]
    named = _plain(score)
    return "\n".join(
        [
            r"\begin{table}",
            rf"\caption{{Area under the learning curve in {named} ($\times 100$, mean of {seeds} "
            rf"seeds), and its gain over {_plain(baseline)} on the same seeds with 95\,\% "
            r"intervals. $^*$: significant (Wilcoxon signed-rank test, Holm-corrected).}",
            rf"\begin{{tabular}}{{l{'rl' * len(tasks)}}}",
            r"\toprule",
            " & ".join(["", *heads]) + r" \\",
            " ".join(rules),
            " & ".join(["strategy", *(["area", "gain"] * len(tasks))]) + r" \\",
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _cell(row: Mapping[Any, Any], best: float, baseline: str) -> list[str]:
    """Area, and gain with interval; without one where there are not two seeds."""
    area = f"{100 * row['area']:.1f}"
    area = rf"\textbf{{{area}}}" if row["area"] == best else area
    if row["strategy"] == baseline:
        return [area, ""]
    star = "^*" if row["p"] < SIGNIFICANT else ""
    gain = f"${100 * row['gain']:+.1f}{star}$"
    if row["low"] == row["low"]:
        gain += f" $[{100 * row['low']:+.1f}, {100 * row['high']:+.1f}]$"
    return [area, gain]


def _plain(text: str) -> str:
    """Text in which no character means anything to LaTeX."""
    return text.translate(_PLAIN)
