import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification.app.charts import histogram_chart, loss_chart
from classification.app.progress import Losses
from classification.app.scores import BINS, ClassScores, PartScores, score_model
from classification.app.tables import agreement_table, score_table

positive = st.floats(0, 1e12, allow_nan=False)


@given(st.lists(st.tuples(positive, positive), max_size=600), st.one_of(st.none(), positive))
def test_every_course_of_training_can_be_drawn(steps, held_out):
    losses = Losses()
    rows = [[i + 1, a, b, 0.5, None] for i, (a, b) in enumerate(steps)]
    if rows:
        rows[-1][-1] = held_out
    losses.add(rows, 600)
    drawn = ET.fromstring(loss_chart(losses))
    for line in drawn.iter("polyline"):
        points = [tuple(map(float, p.split(","))) for p in line.attrib["points"].split()]
        assert len(points) <= 240
        assert all(0 <= x <= 900 and 0 <= y <= 180 for x, y in points)


def test_a_loss_of_each_epoch_is_a_dot():
    losses = Losses()
    losses.add([[1, 2.0, 0.1, 0.0, None], [2, 1.0, 0.1, 0.0, 3.0], [3, 1.0, 0.1, 0.0, 3.0]], 4)
    losses.add([[4, 1.0, 0.1, 0.0, 2.5]], 4)
    assert losses.held_out == [(2, 3.0), (4, 2.5)]
    chart = loss_chart(losses)
    assert chart.count("<circle") == 2
    assert all(f">{name}<" in chart for name in ("labels", "pseudo-labels", "validation"))


def part(positive=(), negative=()):
    return PartScores(
        positive=np.bincount(positive, minlength=BINS),
        negative=np.bincount(negative, minlength=BINS),
        auc=None,
        accuracy=None,
    )


def test_histograms_say_how_many_there_are_and_escape_names():
    scores = ClassScores(
        name="<script>",
        train=part([3, 3, 19], [0]),
        validation=part(),
        unlabelled=np.bincount([1, 2], minlength=BINS),
    )
    chart = histogram_chart(scores)
    ET.fromstring(chart)
    assert "score, train: 3 show it, 1 do not" in chart
    assert "score, validation: 0 show it, 0 do not" in chart
    assert "<script>" not in chart
    empty = ClassScores(
        name="x", train=part(), validation=part(), unlabelled=np.zeros(BINS, np.int64)
    )
    ET.fromstring(histogram_chart(empty))


def test_tables_escape_names_and_show_what_is_unknown():
    scores = score_model(
        np.float32([[0.9, 0.1], [0.2, 0.8]]),
        np.int8([[1, 0], [-1, -1]]),
        classes=("<b>", "b&c"),
        validation=np.array([False, True]),
        shown=np.ones(2, dtype=bool),
        one_class=True,
    )
    table = score_table(scores, "b&c")
    assert "Right on 100% of the training and – of the validation labels." in table
    assert "&lt;b&gt;" in table
    assert "<b>" not in table
    assert table.count('class="chosen"') == 1


@pytest.mark.parametrize("n", [2, 30])
def test_agreement_of_many_classes_shows_the_frequent_ones(n):
    counts = np.diag(np.arange(n))
    table = agreement_table(counts, [f"<{i}>" for i in range(n)])
    assert table.count("<tr>") == 1 + min(n, 20)
    assert ("10 rarer classes are not shown" in table) == (n == 30)
    assert "&lt;29&gt;" in table or n == 2
