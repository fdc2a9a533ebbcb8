import numpy as np
import pytest

from classification.app.orders import ORDERS, arrange, ready
from classification.app.selections import Wish
from classification.errors import FieldmarkError
from tests.labelling.made import decision

EVERY = {"target": 1, "anchor": 4}


def sort(state, order, *, which="unlabelled", **wish):
    return arrange(state, Wish(which=which, order=order, **wish), np.random.default_rng(0))


@pytest.mark.parametrize("order", ORDERS)
def test_every_order_shows_every_item_once(make_state, order):
    state = make_state(n=40)
    assert sorted(sort(state, order, **EVERY)) == list(range(40))


@pytest.mark.parametrize("order", ORDERS)
def test_an_order_of_nothing_is_nothing(make_state, order):
    assert len(sort(make_state(), order, which="excluded", **EVERY)) == 0


def test_scores_decide(make_state):
    state = make_state(n=6)
    state.set_predictions(
        np.float32(
            [
                [1, 0, 0],
                [0.4, 0.6, 0],
                [0.1, 0.8, 0.1],
                [0.34, 0.33, 0.33],
                [0, 1, 0],
                [0.9, 0.1, 0],
            ]
        )
    )
    assert sort(state, "entropy")[0] == 3
    assert sort(state, "margin")[:2].tolist() == [3, 1]
    assert sort(state, "class_high", target=1)[:2].tolist() == [4, 2]
    assert sort(state, "class_low", target=1)[0] == 0
    assert sort(state, "class_entropy", target=1)[0] == 1


def test_scores_of_sigmoids_need_not_sum_to_one(make_state):
    state = make_state(n=3, several=True)
    state.set_predictions(np.float32([[1, 1, 1], [0.5, 0.5, 0.5], [0, 0, 0]]))
    for order in ("entropy", "margin", "badge"):
        assert sorted(sort(state, order)) == [0, 1, 2]
    assert sort(state, "entropy")[0] == 1


def test_the_nearest_come_first(make_state):
    state = make_state(n=5)
    state.embeddings = np.float32([[1, 0], [0, 1], [2, 0.1], [-1, 0], [1, 1]])
    assert sort(state, "nearest", anchor=0).tolist() == [0, 2, 4, 1, 3]


def test_selections_follow_the_decisions(make_state):
    state = make_state(n=8, query=[6, 1], several=True)
    names = state.items.names
    state.decide(
        [
            decision(names[0], "fox"),
            decision(names[1], None, verdict="marks", present=("deer",)),
            decision(names[2], None, verdict="exclude"),
            decision(names[3], None),
            decision(names[4], "fox"),
            decision(names[4], "deer", annotator="ben"),
            decision(names[5], None, verdict="skip"),
        ]
    )
    state.set_validation([7], True, annotator="ann")
    found = {
        which: sort(state, "given", which=which, target=0).tolist()
        for which in ("query", "unlabelled", "partly", "class", "labelled", "excluded", "unsure")
    }
    assert found == {
        "query": [6, 1],
        "unlabelled": [5, 6, 7],
        "partly": [1],
        "class": [1, 4],
        "labelled": [0, 1, 4],
        "excluded": [2],
        "unsure": [3],
    }
    assert sort(state, "given", which="disagreements").tolist() == [4]
    assert sort(state, "given", which="validation").tolist() == [7]


@pytest.mark.parametrize(
    ("order", "wish", "says"),
    [
        ("entropy", {}, "needs a model"),
        ("typical", {}, "needs embeddings"),
        ("upside_down", {}, "none of"),
        ("given", {"which": "class", "target": 9}, "needs a class"),
    ],
)
def test_what_cannot_be_done_says_what_is_missing(make_state, order, wish, says):
    state = make_state(model=False)
    assert ready(state) == ["given", "random"]
    with pytest.raises(FieldmarkError, match=says):
        sort(state, order, **wish)
