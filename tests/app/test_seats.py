import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classification.app.reservations import Seats
from classification.app.seats import Answer, Seat
from classification.app.selections import Wish
from classification.errors import FieldmarkError
from classification.labelling.store import LabelStore

FOX = Answer(verdict="label", label="fox")
GIVEN = Wish(which="unlabelled", order="given")


def sit(state, seats=None, *, name="tab", annotator="ann", wish=GIVEN):
    seat = Seat(state, seats or Seats(), name=name, annotator=annotator)
    seat.choose(wish, np.random.default_rng(0))
    return seat


def verdicts(state):
    return [(d.item, d.verdict, d.label) for d in state.store.history()]


def test_items_come_one_after_the_other_and_are_stored(make_state):
    state = make_state()
    seat = sit(state)
    for expected in range(12):
        assert seat.fill(1)[0] == expected
        seat.decide([expected], FOX)
    assert seat.fill(1) == []
    assert [v[0] for v in verdicts(state)] == list(state.items.names)


def test_two_browsers_of_one_annotator_share_the_work(make_state):
    state, seats = make_state(), Seats()
    first, second = sit(state, seats, name="1"), sit(state, seats, name="2")
    assert first.fill(3)[:3] == [0, 1, 2]
    assert second.fill(3)[:3] == [3, 4, 5]
    second.leave()
    first.decide([0, 1, 2], FOX)
    assert first.fill(2) == [3, 4] or first.fill(2)[0] in (3, 6)


def test_two_servers_share_the_work_through_the_store(make_state, tmp_path):
    here, there = make_state(), make_state(store=LabelStore(tmp_path / "labels.db"))
    first = sit(here, annotator="ann")
    second = sit(there, annotator="ben")
    assert set(first.fill(4)).isdisjoint(second.fill(4))


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(turns=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3)), min_size=20, max_size=40))
def test_no_item_is_asked_twice(make_state, tmp_path_factory, turns):
    state, seats = make_state(store=tmp_path_factory.mktemp("s") / "labels.db"), Seats()
    tabs = [sit(state, seats, name=str(i), annotator="ab"[i % 2]) for i in range(3)]
    for who, count in turns:
        shown = tabs[who].fill(count)[:count]
        if shown:
            tabs[who].decide(shown, FOX)
    items = [v[0] for v in verdicts(state)]
    assert len(items) == len(set(items))


def test_undo_is_a_decision_and_brings_the_item_back(make_state):
    state = make_state()
    seat = sit(state)
    seat.decide(seat.fill(2)[:2], FOX)
    assert seat.undo() == [0, 1]
    assert seat.queue[:2] == [0, 1]
    assert [v[1] for v in verdicts(state)] == ["label", "label", "undo", "undo"]
    assert state.unlabelled.all()
    assert seat.undo() == []


def test_undoing_a_correction_says_again_what_was_said_before(make_state):
    state = make_state()
    seat = sit(state)
    seat.decide([0], FOX)
    seat.decide([0], Answer(verdict="label", label="deer"))
    seat.undo()
    assert state.marks.labels[0] == 1
    assert [v[2] for v in verdicts(state)] == ["fox", "deer", "fox"]


def test_a_new_page_can_undo_what_the_old_one_did(make_state):
    state = make_state()
    sit(state).decide([5], FOX)
    assert sit(state, name="anew").undo() == [5]


def test_a_burst_is_labelled_at_once_but_not_what_is_decided(make_state):
    state = make_state()
    seat = sit(state)
    seat.decide([1], FOX)
    assert seat.burst(2) == [0, 2, 3]


def test_a_skipped_item_comes_again_last(make_state):
    state = make_state(n=4)
    seat = sit(state)
    seat.decide([0], Answer(verdict="skip"))
    seat.choose(GIVEN, np.random.default_rng(0))
    assert seat.fill(4) == [1, 2, 3, 0]


def test_labelled_items_can_be_looked_at_again(make_state):
    state = make_state()
    seat = sit(state)
    seat.decide([3, 7], FOX)
    seat.choose(Wish(which="class", order="given", target=1), np.random.default_rng(0))
    assert seat.fill(5) == [3, 7]


@pytest.mark.parametrize(
    ("numbers", "answer"),
    [
        ([99], FOX),
        ([], FOX),
        ([0], Answer(verdict="label", label="wolf")),
        ([0], Answer(verdict="label")),
        ([0], Answer(verdict="undo")),
        ([0], Answer(verdict="maybe")),
        ([0], Answer(verdict="marks", present=("fox",), absent=("fox",))),
    ],
)
def test_what_is_no_answer_changes_nothing(make_state, numbers, answer):
    state = make_state()
    with pytest.raises(FieldmarkError):
        sit(state).decide(numbers, answer)
    assert verdicts(state) == []


def test_nobody_labels_without_a_name(make_state):
    with pytest.raises(FieldmarkError, match="who labels"):
        Seat(make_state(), Seats(), name="tab", annotator=" ")
