import pandas as pd
import pytest

from classification.comparison.report import queried_counts, verdicts, write_comparison_report
from classification.comparison.statistics import summary
from classification.errors import FieldmarkError
from classification.paths import ComparisonPaths
from tests.test_report import Page

from .made_results import made_results

NASTY = "<script>x</script>"
LEVELS = {"random": 0.3, "good": 0.4, NASTY: 0.2}


def made_recall(strategies, *, tasks="ab", rounds=5):
    return pd.DataFrame(
        [
            {
                "task": task,
                "model": "resnet18",
                "strategy": name,
                "seed": seed,
                "round": number,
                "label": label,
                "recall": 0.5,
                "queried": count * (number + 1),
            }
            for task in tasks
            for name in strategies
            for seed in range(2)
            for number in range(rounds)
            for label, count in (("deer", 3), ("fox", 1))
        ]
    )


def write(folder, results, recall=None):
    paths = ComparisonPaths(folder)
    results.to_parquet(paths.results)
    if recall is not None:
        recall.to_parquet(paths.recall)
    return folder


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    folder = write(
        tmp_path_factory.mktemp("comparison") / "", made_results(LEVELS), made_recall(LEVELS)
    )
    path = write_comparison_report(folder)
    assert path == ComparisonPaths(folder).report
    return Page(path.read_text("utf-8"))


def test_the_report_names_the_best_and_how_sure_that_is(shown):
    assert "good has the largest mean gain over random: " in shown.text
    assert "significantly better on 2 of 2 datasets and significantly worse on 0" in shown.text
    for part in ("Gain over random", "Labels saved", "Who beats whom", "Classes asked for"):
        assert part in shown.text


def test_the_report_is_complete_in_itself_and_escapes_names(shown):
    assert shown.sources
    assert all(source.startswith("data:image/") for source in shown.sources)
    assert not {"script", "link", "iframe"} & set(shown.tags)
    assert NASTY in shown.text


def test_labels_are_counted_to_the_score_that_was_asked_for(tmp_path):
    folder = write(tmp_path, made_results({"random": 0.3, "good": 0.4}, tasks="a"))
    text = Page(write_comparison_report(folder, target=0.45).read_text("utf-8")).text
    assert "labels to 45.0%" in text
    assert "labels to random's end" not in text


def test_several_models_are_datasets_of_their_own_and_classes_may_be_missing(tmp_path):
    results = made_results({"random": 0.3, "good": 0.4}, tasks="a")
    both = pd.concat([results, results.assign(model="resnet34")])
    text = Page(write_comparison_report(write(tmp_path, both)).read_text("utf-8")).text
    assert "a resnet18" in text
    assert "a resnet34" in text
    assert "Classes asked for" not in text


def test_one_seed_and_random_alone_make_a_page(tmp_path):
    results = made_results({"random": 0.3}, tasks="a", seeds=1)
    text = Page(write_comparison_report(write(tmp_path, results)).read_text("utf-8")).text
    assert "Only random was played" in text


def test_without_results_or_baseline_it_says_what_to_do(tmp_path):
    with pytest.raises(FieldmarkError, match=r"Play one with classification/compare\.py"):
        write_comparison_report(tmp_path)
    write(tmp_path, made_results({"good": 0.4}))
    with pytest.raises(
        FieldmarkError, match="no strategy 'random' to compare with; there are: good"
    ):
        write_comparison_report(tmp_path)


def test_classes_are_counted_in_the_last_round_over_seeds():
    counts = queried_counts(made_recall(["random"]), task="a")
    assert counts == {"random": {"deer": 30.0, "fox": 10.0}}


def test_verdicts_count_datasets():
    rows = verdicts(summary(made_results(LEVELS)), baseline="random")
    assert [(row["strategy"], row["better"], row["worse"]) for row in rows] == [
        ("good", 2, 0),
        (NASTY, 0, 2),
    ]
