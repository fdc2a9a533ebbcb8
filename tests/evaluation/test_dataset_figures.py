import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from classification.evaluation import dataset_figures as figures
from classification.evaluation.render import save, to_svg
from classification.evaluation.theme import DARK, LIGHT

NAMES = ["deer", "$cat_$", "<b>fox</b> & co", "a very long name for an animal, truly"]


def counts(rows=NAMES, columns=12):
    values = np.random.default_rng(0).integers(0, 40, (len(rows), columns))
    values[0, 0] = 0
    return pd.DataFrame(values, index=rows, columns=[f"camera {i}" for i in range(columns)])


def splits():
    return pd.DataFrame([[8, 1, 1], [90, 0, 10], [1, 1, 1], [1, 0, 0]], NAMES, [*"abc"])


def sizes():
    rng = np.random.default_rng(0)
    labels = pd.Series(rng.choice(NAMES, 200))
    return pd.Series(rng.integers(8, 512, 200).astype(float)), labels


def dropped():
    rows = [("image", "missing")] * 3 + [("annotation", "zero_area")] * 1200
    return pd.DataFrame(rows, columns=["kind", "reason"])


def before():
    return pd.DataFrame({"one": [5, 0, 2, 7], "clean": [5, 2, 0, 1]}, index=NAMES)


def all_figures(theme):
    yield figures.class_by_location(counts(), theme=theme)
    yield figures.class_by_location(counts(columns=30), theme=theme)
    yield figures.class_by_location(counts(columns=100), theme=theme)
    yield figures.class_by_split(splits(), theme=theme)
    yield figures.crop_sizes(*sizes(), theme=theme)
    yield figures.before_and_after(before(), theme=theme)
    yield figures.dropped_reasons(dropped(), theme=theme)


def texts(figure):
    return [t.text or "" for t in ET.fromstring(to_svg(figure)).iter() if t.text]


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_every_figure_saves(theme, tmp_path):
    for place, figure in enumerate(all_figures(theme)):
        save(figure, tmp_path / f"{place}.png")
        assert (tmp_path / f"{place}.png").stat().st_size > 2000


def test_names_are_shown_as_they_are():
    shown = texts(figures.class_by_location(counts()))
    assert set(NAMES[:3]) <= set(shown)


def test_few_locations_are_counted_and_named_many_are_neither():
    table = counts()
    shown = texts(figures.class_by_location(table))
    assert {str(v) for v in table.to_numpy().ravel() if v} <= set(shown)
    assert {"camera 0", "camera 11"} <= set(shown)
    many = texts(figures.class_by_location(counts(columns=100)))
    assert "100 locations, most crops first" in many
    assert "camera 0" not in many


def test_one_crop_of_one_class_is_a_figure_too():
    to_svg(figures.class_by_location(pd.DataFrame([[1]], ["deer"], ["a"])))
    to_svg(figures.crop_sizes(pd.Series([1.0]), pd.Series(["deer"])))


def test_split_bars_fill_the_width_and_say_their_counts():
    figure = figures.class_by_split(splits())
    ends = {p.get_y(): max(q.get_x() + q.get_width() for q in figure.axes[0].patches
                           if q.get_y() == p.get_y()) for p in figure.axes[0].patches}  # fmt: skip
    assert np.allclose(list(ends.values()), 1)
    assert {"90", "10", "8"} <= set(texts(figure))


def test_a_category_that_went_has_a_bar_before_and_none_after():
    axes = figures.before_and_after(before()).axes[0]
    widths = [patch.get_width() for patch in axes.patches]
    assert widths == [5, 0, 2, 7, 5, 2, 0, 1]
    assert "0" not in [t.get_text() for t in axes.texts]


def test_reasons_are_words_most_frequent_first():
    shown = texts(figures.dropped_reasons(dropped()))
    assert shown.index("zero area (annotation)") < shown.index("missing (image)")
    assert "1,200" in shown


def test_nothing_dropped_is_an_empty_figure():
    to_svg(figures.dropped_reasons(dropped().head(0)))
