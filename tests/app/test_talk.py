import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classification.app.pictures import Pictures
from classification.app.reservations import Seats
from classification.app.talk import Talk


@pytest.fixture
def talk(make_state):
    """A conversation that has begun, its answers in `talk.sent`."""

    def start(**changes):
        state, sent = make_state(**changes), []
        begun = Talk(state, Seats(), Pictures(state.items), name="tab", send=sent.append)
        begun.hear({"type": "hello"})
        begun.hear({"type": "choose", "which": "unlabelled", "order": "given", "count": 1})
        begun.sent = sent
        return begun

    return start


def last(talk, kind):
    return next(m for m in reversed(talk.sent) if m["type"] == kind)


def test_stored_before_it_is_said_to_be(talk):
    spoken = talk()
    in_store = []
    spoken._send = lambda m: in_store.append((m["type"], len(spoken.state.store.history())))
    spoken.hear({"type": "decide", "items": [0], "verdict": "label", "label": "fox", "id": 9})
    assert in_store == [("done", 1)]


def test_suggestions_and_what_is_known_come_with_the_item(talk):
    card = last(talk(), "chosen")["items"][0]
    assert len(card["top"]) == 3
    assert card["burst"] == 4
    assert card["box"] == [0.1, 0.2, 0.3, 0.4]


def test_a_full_disk_is_told_and_the_item_stays(talk, monkeypatch):
    spoken = talk()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("classification.labelling.store.insert_rows", full)
    spoken.hear({"type": "decide", "items": [0], "verdict": "label", "label": "fox"})
    assert "No space left" in last(spoken, "error")["text"]
    monkeypatch.undo()
    assert spoken.state.unlabelled.all()
    assert spoken.seat.queue[0] == 0


def test_jumping_by_number_and_by_name(talk):
    spoken = talk()
    for to in ("6", spoken.state.items.names[5]):
        spoken.hear({"type": "jump", "to": to})
        assert last(spoken, "first")["items"][0]["n"] == 5
    spoken.hear({"type": "jump", "to": "../secret"})
    assert "no item" in last(spoken, "error")["text"]


def test_images_in_messages_for_a_notebook(talk):
    spoken = talk()
    spoken.hear({"type": "picture", "kind": "small", "item": 2})
    assert last(spoken, "picture")["url"].startswith("data:image/jpeg;base64,")
    spoken.hear({"type": "picture", "kind": "crop", "item": 99})
    assert "no item 99" in last(spoken, "picture")["error"]


anything = st.one_of(st.none(), st.integers(-5, 99), st.text(max_size=5), st.lists(st.integers()))
KINDS = ["decide", "choose", "undo", "jump", "burst", "flag", "class", "picture", "previous", "?"]
FIELDS = ["items", "verdict", "label", "present", "which", "order", "target", "to", "item", "name"]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(KINDS), body=st.dictionaries(st.sampled_from([*FIELDS, "on"]), anything)
)
def test_nonsense_is_answered_and_stores_nothing_malformed(talk, kind, body):
    spoken = talk()
    spoken.hear({**body, "type": kind})
    spoken.hear(body)
    assert all(d.problem() is None for d in spoken.state.store.history())
    spoken.close()
