import re

from classification.comparison.latex import latex_table
from classification.comparison.statistics import summary

from .made_results import made_results


def table_of(results):
    text = latex_table(summary(results), score="macro_f1", seeds=12)
    return text, [line for line in text.splitlines() if line.endswith(r"\\")]


def test_every_row_has_the_columns_of_the_head():
    results = made_results({"random": 0.3, "good": 0.4, "bad": 0.2})
    text, rows = table_of(results)
    tasks = results["task"].nunique()
    assert text.count(r"\multicolumn{2}") == text.count(r"\cmidrule") == tasks
    assert r"\begin{tabular}{l" + "rl" * tasks + "}" in text
    assert {len(re.findall(r"(?<!\\)&", row)) for row in rows[1:]} == {2 * tasks}
    assert [row.split(" &")[0] for row in rows[2:]] == ["good", "random", "bad"]


def test_the_best_is_bold_and_what_is_significant_has_a_star():
    _, (_, _, good, random, bad) = table_of(made_results({"random": 0.3, "good": 0.4, "bad": 0.2}))
    assert r"\textbf{" in good
    assert r"\textbf{" not in random + bad
    assert "^*" in good
    assert "$-" in bad
    assert "^*" not in random


def test_names_mean_nothing_to_latex():
    results = made_results({"random": 0.3, "my_best & 50%": 0.4})
    results["task"] = "a_b^2~#" + results["task"]
    text, _ = table_of(results)
    assert r"my\_best \& 50\%" in text
    assert r"a\_b\textasciicircum{}2\textasciitilde{}\#" in text
    assert r"in macro\_f1 (" in text


def test_a_strategy_that_lacks_a_dataset_and_a_single_seed_leave_gaps():
    results = made_results({"random": 0.3, "good": 0.4})
    first = results["task"].iloc[0]
    part = results[(results["task"] == first) | (results["strategy"] == "random")]
    _, rows = table_of(part)
    assert "& -- &" in rows[-1] + rows[-2]
    text, _ = table_of(results[results["seed"] == 0])
    assert "[" not in text.split(r"\midrule")[1]
