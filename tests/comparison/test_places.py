import pytest

from classification.comparison.curves import write_curve
from classification.comparison.places import dataset_tables, strategy_places
from classification.comparison.play import Played
from classification.comparison.report import write_comparison_report
from classification.data.table import read_table
from classification.files import write_json
from classification.paths import ComparisonPaths
from tests.test_report import Page
from tests.tiny import make_dataset

from .made_results import made_results


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """Two strategies on ten cameras of nine frames in three bursts: one camera, or all of them."""
    root = tmp_path_factory.mktemp("places")
    data = make_dataset(root / "tiny")
    paths = ComparisonPaths(root / "comparison")
    paths.root.mkdir()
    results = made_results({"random": 0.3, "narrow": 0.3}, tasks=["tiny"], seeds=2)
    for name, queries in (("random", list(range(0, 90, 9))), ("narrow", list(range(9)))):
        for seed in range(2):
            write_curve(paths.cell("tiny", name, seed), Played(queries=queries), {})
    results.to_parquet(paths.results)
    write_json(paths.details, {"options": {"datasets": [str(data.root), "cifar10", "gone"]}})
    return paths, results, read_table(data.table)


def test_cameras_and_bursts_of_each_strategy_are_counted(played):
    paths, results, table = played
    places = strategy_places(paths.root, results, table, task="tiny")
    assert places.loc["random"].tolist() == [10, 10, 10]
    assert places.loc["narrow"].tolist() == [9, 1, 3]


def test_tables_are_found_again_where_they_are(played, tmp_path):
    tables = dataset_tables(played[0])
    assert list(tables) == ["tiny"]
    assert len(tables["tiny"]) == 90
    assert dataset_tables(ComparisonPaths(tmp_path)) == {}


def test_a_table_that_has_shrunk_is_not_used(played):
    paths, results, table = played
    assert strategy_places(paths.root, results, table.head(5), task="tiny").empty


def test_the_report_shows_them_where_the_dataset_tells(played):
    text = Page(write_comparison_report(played[0].root).read_text("utf-8")).text
    assert "Cameras and bursts asked for" in text
