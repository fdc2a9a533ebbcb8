import numpy as np
import pandas as pd
import pytest

from classification import figures
from classification.errors import FieldmarkError
from classification.evaluation import query_figures
from classification.evaluation.embedding_map import plane, some


@pytest.fixture(scope="module")
def clusters():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 30)
    return 5 * rng.normal(size=(3, 60))[labels] + rng.normal(size=(90, 60)), labels


def test_what_is_alike_lies_together_and_the_seed_fixes_the_plane(clusters):
    embeddings, labels = clusters
    first, second = (plane(embeddings, seed=3) for _ in range(2))
    assert first.shape == (90, 2)
    assert np.array_equal(first, second)
    distance = np.linalg.norm(first[:, None] - first[None], axis=2) + np.diag([np.inf] * 90)
    assert (labels[distance.argmin(axis=1)] == labels).mean() > 0.95


@pytest.mark.parametrize("n", [1, 3, 4, 7])
def test_a_handful_of_items_has_a_plane(n):
    assert plane(np.random.default_rng(0).normal(size=(n, 5))).shape == (n, 2)
    assert plane(np.random.default_rng(0).normal(size=(n, 1))).shape == (n, 2)


def test_methods_that_are_not_there_are_named(monkeypatch):
    with pytest.raises(FieldmarkError, match="unknown method 'pca'; allowed: tsne, umap"):
        plane(np.zeros((9, 2)), method="pca")
    monkeypatch.setattr("classification.evaluation.embedding_map.find_spec", lambda name: None)
    with pytest.raises(FieldmarkError, match="umap-learn; install it, or use tsne"):
        plane(np.zeros((9, 2)), method="umap")


def test_a_large_pool_is_thinned_but_never_by_what_was_asked():
    asked = np.zeros(1000, dtype=bool)
    asked[::50] = True
    rows = some(asked, most=100, rng=np.random.default_rng(0))
    assert len(rows) == 100
    assert asked[rows].sum() == 20
    assert (np.diff(rows) > 0).all()


def test_the_map_shows_every_item_by_state_and_by_class():
    points = np.random.default_rng(0).normal(size=(60, 2))
    state = np.arange(60) % 3
    labels = np.array([f"class {i % 12}" for i in range(60)])
    figure = query_figures.embedding_map(points, state, labels, name="margin")
    left, right = figure.axes
    assert [len(c.get_offsets()) for c in left.collections] == [20, 20, 20]
    assert sum(len(c.get_offsets()) for c in right.collections) == 60
    shown = figures.to_svg(figure)
    for text in ("margin asked for", "not asked for 20", "earlier 20", "now 20", "5 others 25"):
        assert text in shown


def test_shares_are_of_what_each_strategy_asked_for():
    counts = {"random": {"deer": 30, "fox": 10}, "margin": {"deer": 5, "fox": 5, "$": 10}}
    figure = query_figures.queried_shares(counts)
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["deer", "fox", "$"]
    assert [bar.get_width() for bar in axes.patches] == [0.25, 0.25, 0.5]
    ticks = [segment[0, 0] for segment in axes.collections[0].get_segments()]
    assert ticks == [0.75, 0.25, 0]
    figures.to_svg(query_figures.queried_shares({"random": {"deer": 1}}))


def test_places_are_counted_once_and_unknown_ones_never():
    places = query_figures.count_places(
        {"1": np.array([0, 1, 2]), "2": np.array([3])},
        bursts=np.array([0, 0, 1, 2]),
        locations=np.array([0, 0, -1, 1]),
    )
    assert places.loc["1"].tolist() == [3, 1, 2]
    assert places.loc["2"].tolist() == [1, 1, 1]
    unknown = query_figures.count_places({"1": np.array([0])}, bursts=np.array([0]), locations=None)
    assert pd.isna(unknown.loc["1", "locations"])
    shown = figures.to_svg(query_figures.query_places(unknown))
    assert "Bursts" in shown
    assert "Locations" not in shown
    assert "Locations" in figures.to_svg(query_figures.query_places(places, reference="2"))
