import numpy as np
import pytest

from classification.errors import FieldmarkError
from classification.labelling.store import LabelStore
from tests.labelling.made import decision


def item(state, number):
    return state.items.names[number]


def test_a_decision_is_in_the_store_and_in_the_arrays(make_state):
    state = make_state()
    heard = []
    state.watch(heard.append)
    state.decide([decision(item(state, 0), "fox")])
    assert [d.label for d in state.store.history()] == ["fox"]
    assert state.marks.values[0].tolist() == [0, 1, 0]
    assert state.marks.labels[:2].tolist() == [1, -1]
    assert not state.unlabelled[0]
    assert heard == ["labels"]


def test_undo_brings_back_what_the_table_knew(make_state):
    known = np.full((12, 3), -1, dtype=np.int8)
    known[3] = [1, 0, 0]
    state = make_state(known=known)
    state.decide([decision(item(state, 3), "fox")])
    state.decide([decision(item(state, 3), None, verdict="undo")])
    assert state.marks.values[3].tolist() == [1, 0, 0]


def test_several_classes_in_one_image(make_state):
    state = make_state(several=True)
    marks = decision(item(state, 1), None, verdict="marks", present=("fox",), absent=("deer",))
    state.decide([marks])
    assert state.marks.values[1].tolist() == [0, 1, -1]
    state.decide([decision(item(state, 1), None, verdict="exclude")])
    assert state.marks.values[1].tolist() == [-1, -1, -1]
    assert state.marks.excluded[1]


def test_what_others_decide_appears_with_their_classes(make_state, tmp_path):
    state = make_state()
    LabelStore(tmp_path / "labels.db").add([decision(item(state, 2), "lynx")])
    assert state.follow() == [2]
    assert state.classes[-1] == "lynx"
    assert state.marks.values[2].tolist() == [0, 0, 0, 1]
    assert state.probs.shape == (12, 4)
    assert state.follow() == []


def test_a_new_class_is_absent_from_single_labels_only(make_state):
    state = make_state()
    state.decide([decision(item(state, 0), "fox")])
    assert state.add_class("  arctic   hare ") == 3
    assert state.classes[3] == "arctic hare"
    assert state.add_class("arctic hare") == 3
    assert state.marks.values[:2, 3].tolist() == [0, -1]


@pytest.mark.parametrize("name", ["", "  ", "a\x00b", "x" * 101])
def test_names_that_are_no_class(make_state, name):
    with pytest.raises(FieldmarkError, match="no class name"):
        make_state().add_class(name)


def test_a_run_that_takes_no_new_classes_says_how_to(make_state):
    state = make_state(may_add_classes=False)
    with pytest.raises(FieldmarkError, match="new_classes accept"):
        state.add_class("lynx")


def test_validation_flags_outlive_the_app(make_state):
    state = make_state()
    state.set_validation([4, 5], True, annotator="ann")
    state.set_validation([5], False, annotator="ann")
    assert np.flatnonzero(make_state().validation).tolist() == [4]


def test_predictions_of_another_dataset_are_refused(make_state):
    with pytest.raises(FieldmarkError, match="7 rows, there are 12 items"):
        make_state().set_predictions(np.zeros((7, 3), dtype=np.float32))


def test_names_lead_nowhere_but_into_the_folder(make_state, tmp_path):
    items = make_state().items
    assert items.file(0).is_file()
    (tmp_path / "secret.jpg").write_bytes(b"x")
    (tmp_path / "crops" / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    for name in ("../secret.jpg", str(tmp_path / "secret.jpg"), "link.jpg"):
        bad = type(items)(names=(name,), folder=items.folder, split=np.array(["train"]))
        assert bad.file(0) is None, name


def test_a_test_image_is_never_given_back_to_training(make_state, make_items):
    state = make_state(items=make_items(split="test"))
    with pytest.raises(FieldmarkError, match="never learned from"):
        state.set_validation([4], False, annotator="ann")
    assert state.validation.all()
