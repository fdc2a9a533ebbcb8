from collections import Counter

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from classification.labelling.agreement import agreement, cohen_kappa, fleiss_kappa
from tests.labelling.made import decision

NAMES = st.sampled_from(["fox", "deer", "cat"])


@given(st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=30))
def test_cohens_kappa_is_that_of_scikit_learn(pairs):
    assume(len({name for pair in pairs for name in pair}) > 1)
    expected = cohen_kappa_score([a for a, _ in pairs], [b for _, b in pairs])
    assert cohen_kappa(pairs) == pytest.approx(expected)


def test_fleiss_kappa_of_a_published_table():
    """Ten subjects, fourteen raters, five categories: kappa 0.210 (Fleiss 1971 as in textbooks)."""
    table = [
        (0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1),
        (7, 7, 0, 0, 0), (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7),
    ]  # fmt: skip
    ratings = [Counter({str(i): n for i, n in enumerate(row) if n}) for row in table]
    assert fleiss_kappa(ratings) == pytest.approx(0.210, abs=5e-4)


@pytest.mark.parametrize("ratings", [[], [{"fox": 2}, {"fox": 3}]])
def test_where_kappa_is_undefined_there_is_none(ratings):
    assert fleiss_kappa(ratings) is None
    assert cohen_kappa([("fox", "fox")] * len(ratings)) is None


def test_disagreements_name_who_said_what():
    made = [
        decision("a", "fox", annotator="ann"),
        decision("a", "deer", annotator="ben"),
        decision("b", "fox", annotator="ann"),
        decision("b", "fox", annotator="ben"),
        decision("c", None, annotator="ann"),
        decision("c", "fox", annotator="cem"),
        decision("d", "fox", annotator="ann"),
        decision("d", None, verdict="skip", annotator="ben"),
    ]
    found = agreement({(d.item, d.annotator): d for d in made})
    assert found.items == 3
    assert found.disagreements == {
        "a": {"ann": "fox", "ben": "deer"},
        "c": {"ann": "(unsure)", "cem": "fox"},
    }
    assert found.cohen["ann", "ben"] == (2, pytest.approx(0.0))
    assert found.fleiss is not None


def test_marks_agree_when_the_same_classes_are_there():
    first = decision("a", None, verdict="marks", present=("fox", "deer"), absent=("cat",))
    second = decision("a", None, verdict="marks", present=("deer", "fox"), annotator="ben")
    assert not agreement({("a", "ann"): first, ("a", "ben"): second}).disagreements
