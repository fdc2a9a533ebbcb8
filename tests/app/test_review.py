import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification.app.propagate import Guesses, PropagateOptions
from classification.app.review import (
    ALL,
    DISPUTED,
    accept,
    standing,
    to_accept,
    to_review,
    withdraw,
)
from classification.errors import FieldmarkError
from classification.labelling.leases import Desk
from tests.labelling.made import decision


def guesses_of(tops, certainty, n_classes=3):
    probs = np.full((len(tops), n_classes), 0.1, dtype=np.float32)
    probs[np.arange(len(tops)), tops] = 0.8
    return Guesses(probs=probs, certainty=np.float32(certainty))


@pytest.fixture
def made(make_state):
    """Six items: the model and propagation differ on items 1 and 4; 5 is for validation."""
    state = make_state(6)
    model = np.zeros((6, 3), dtype=np.float32)
    model[np.arange(6), [0, 1, 2, 0, 1, 2]] = 1
    state.set_predictions(model)
    state.marks.values[5] = [0, 0, 1]
    state.validation[5] = True
    return state, guesses_of([0, 0, 2, 0, 2, 2], [0.9, 0.1, 0.5, 0.7, 0.3, 0.6])


def test_the_least_sure_come_first(made):
    state, guesses = made
    assert to_review(state, guesses, ALL).tolist() == [1, 4, 2, 3, 0]
    assert to_review(state, guesses, DISPUTED).tolist() == [1, 4]
    assert to_review(state, guesses, "<b>owl</b>").tolist() == [4, 2]


def test_what_is_decided_is_not_reviewed_again(made):
    state, guesses = made
    state.decide([decision(state.items.names[1], "fox")])
    assert to_review(state, guesses, ALL).tolist() == [4, 2, 3, 0]


def test_how_propagation_compares(made):
    state, guesses = made
    found = standing(state, guesses)
    assert (found.right, found.model_right, found.unlabelled) == (1.0, 1.0, 5)
    assert found.agreed == pytest.approx(3 / 5)
    assert found.crossed.tolist() == [[2, 1, 0], [0, 0, 0], [0, 1, 1]]
    state.set_predictions(None)
    without = standing(state, guesses)
    assert (without.model_right, without.agreed, without.crossed) == (None, None, None)


def test_what_may_be_accepted_and_what_it_is_worth(made):
    state, guesses = made
    rows, judged, right = to_accept(state, guesses, least=0.5, agreed=True)
    assert (rows.tolist(), judged, right) == ([0, 3, 2], 1, 1.0)
    rows, judged, right = to_accept(state, guesses, least=0.65, agreed=False)
    assert (rows.tolist(), judged, right) == ([0, 3], 0, None)


def test_accepted_pseudo_labels_are_decisions_of_a_person_and_can_be_taken_back(made):
    state, guesses = made
    names = state.items.names
    accepted = accept(state, guesses, np.array([0, 3]), least=0.5, annotator=" ann ")
    assert accepted == [names[0], names[3]]
    assert [(d.item, d.label, d.annotator, d.source) for d in state.store.history()] == [
        (names[0], "deer", "ann", "propagation"),
        (names[3], "deer", "ann", "propagation"),
    ]
    state.decide([decision(names[3], "fox", annotator="ann")])
    assert withdraw(state, accepted, annotator="ann") == 1
    assert state.marks.labels.tolist() == [-1, -1, -1, 1, -1, 2]


def test_what_others_decided_or_have_on_the_screen_is_left_to_them(made):
    state, guesses = made
    names = state.items.names
    Desk(store=state.store).take([names[0]], annotator="bob", count=1)
    state.store.add([decision(names[3], "fox", annotator="eve")])  # not yet seen here
    accepted = accept(state, guesses, np.array([0, 2, 3]), least=0.0, annotator="ann")
    assert accepted == [names[2]]
    assert state.marks.labels[3] == 1
    assert state.desk.held() == {"bob": 1}


def test_nobody_cannot_accept(made):
    state, guesses = made
    with pytest.raises(FieldmarkError, match="say who accepts"):
        accept(state, guesses, np.array([0]), least=0.0, annotator="  ")
    assert not state.store.history()


def test_of_several_classes_only_the_sure_ones_are_accepted(make_state):
    state = make_state(2, several=True)
    guesses = Guesses(
        probs=np.float32([[0.9, 0.2, 0.5], [0.5, 0.5, 0.5]]),
        certainty=np.float32([[0.8, 0.7, 0.0], [0.0, 0.0, 0.0]]),
    )
    rows, *_ = to_accept(state, guesses, least=0.0, agreed=False)
    assert rows.tolist() == [0]  # of item 1 nothing is known
    state.marks.values[1], state.validation[1] = [1, 1, -1], True
    guesses.certainty[1], guesses.probs[1] = [0.9, 0.1, 0.0], [0.8, 0.3, 0.5]
    rows, judged, right = to_accept(state, guesses, least=0.6, agreed=False)
    assert (rows.tolist(), judged, right) == ([0], 1, 1.0)  # the doubtful class is not counted
    accept(state, guesses, rows, least=0.6, annotator="ann")
    assert state.marks.values.tolist() == [[1, 0, -1], [1, 1, -1]]


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=30), st.floats(0, 1))
def test_both_orders_are_of_certainty(certainty, least):
    guesses = guesses_of([0] * len(certainty), certainty)
    rows = np.ones(len(certainty), dtype=bool)
    doubtful, sure = guesses.least_sure(rows), guesses.acceptable(rows, least)
    assert (np.diff(guesses.certainty[doubtful]) >= 0).all()
    assert (np.diff(guesses.certainty[sure]) <= 0).all()
    assert len(doubtful) == len(certainty)
    assert (guesses.certainty[sure] >= np.float32(least)).all() or not len(sure)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"k": 0}, "0 neighbours; allowed: 1 to 200"),
        ({"alpha": 1.0}, "alpha 1.0: between 0 and 1"),
        ({"temperature": 0.0}, "temperature 0.0: above 0"),
    ],
)
def test_options_that_make_no_sense_are_refused(fields, said):
    with pytest.raises(FieldmarkError, match=said):
        PropagateOptions(**fields)
