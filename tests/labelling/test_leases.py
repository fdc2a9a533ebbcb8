"""Two people are not given the same item; nobody blocks one for ever."""

import threading

import pytest

from classification.labelling.leases import Desk, Overlap
from classification.labelling.store import LabelStore
from tests.labelling.made import decision

ITEMS = [f"i{n:02d}" for n in range(12)]


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def desk(store, clock):
    return Desk(store=store, seconds=60, clock=clock)


def test_two_annotators_get_different_items_in_order(desk):
    assert desk.take(ITEMS, annotator="ann", count=3) == ITEMS[:3]
    assert desk.take(ITEMS, annotator="ben", count=2) == ITEMS[3:5]
    assert desk.held() == {"ann": 3, "ben": 2}


def test_a_reload_gives_the_same_items_and_the_next_ones_as_they_are_answered(desk, store):
    desk.take(ITEMS, annotator="ann", count=2)
    assert desk.take(ITEMS, annotator="ann", count=2) == ITEMS[:2]
    store.add([decision(ITEMS[0])])
    assert desk.held() == {"ann": 1}
    assert desk.take(ITEMS, annotator="ann", count=2) == ITEMS[1:3]


def test_a_lease_ends_with_its_time_or_when_it_is_given_back(desk, clock):
    desk.take(ITEMS[:2], annotator="ann", count=2)
    assert desk.take(ITEMS[:2], annotator="ben", count=2) == []
    desk.give_back(ITEMS[:1], annotator="ann")
    assert desk.take(ITEMS[:2], annotator="ben", count=2) == ITEMS[:1]
    clock.now += 60
    assert desk.take(ITEMS[:2], annotator="cem", count=2) == ITEMS[:2]
    assert desk.held() == {"cem": 2}


def test_what_one_skipped_comes_last_for_them_and_first_for_others(desk, store):
    store.add([decision(ITEMS[0], None, verdict="skip")])
    assert desk.take(ITEMS[:3], annotator="ann", count=2) == ITEMS[1:3]
    assert desk.take(ITEMS[:1], annotator="ben", count=1) == ITEMS[:1]


def test_what_is_undone_is_asked_again(desk, store):
    store.add([decision(ITEMS[0])])
    assert desk.take(ITEMS[:1], annotator="ann", count=1) == []
    store.add([decision(ITEMS[0], None, verdict="undo")])
    assert desk.take(ITEMS[:1], annotator="ann", count=1) == ITEMS[:1]


def test_on_the_overlap_two_annotators_label_each_item_and_no_third(store, clock):
    overlap = Overlap(share=1.0, annotators=2)
    desk = Desk(store=store, overlap=overlap, clock=clock)
    assert desk.take(ITEMS[:1], annotator="ann", count=1) == ITEMS[:1]
    assert desk.take(ITEMS[:1], annotator="ben", count=1) == ITEMS[:1]
    assert desk.take(ITEMS[:1], annotator="cem", count=1) == []
    store.add([decision(ITEMS[0])])
    assert store.undecided(ITEMS[:1], overlap) == ITEMS[:1]
    assert desk.take(ITEMS[:1], annotator="ann", count=1) == []  # not twice by the same person
    store.add([decision(ITEMS[0], annotator="ben")])
    assert store.undecided(ITEMS[:1], overlap) == []


def test_the_overlap_is_the_share_asked_for_and_grows_with_it():
    items = [f"image_{n}.jpg" for n in range(4000)]
    small, large = (
        {i for i in items if Overlap(share=s).annotators_for(i) == 2} for s in (0.1, 0.3)
    )
    assert small < large
    assert 0.08 < len(small) / len(items) < 0.12
    assert not [i for i in items if Overlap().annotators_for(i) != 1]


def test_many_annotators_at_once_label_every_item_once(address):
    """Six desks on one store, each taking and answering until nothing is left."""
    items = [f"i{n:03d}" for n in range(60)]
    LabelStore(address)

    def work(annotator):
        store = LabelStore(address, keep_open=True)
        desk = Desk(store=store)
        while taken := desk.take(items, annotator=annotator, count=3):
            store.add(decision(item, annotator=annotator) for item in taken)

    threads = [threading.Thread(target=work, args=(f"a{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    history = LabelStore(address).history()
    assert sorted(d.item for d in history) == items
