import numpy as np

from classification.app.scores import BINS, score_model


def score(probs, marks, **changes):
    n = len(probs)
    values = {
        "classes": ("a", "b"),
        "validation": np.zeros(n, dtype=bool),
        "shown": np.ones(n, dtype=bool),
        "one_class": False,
    }
    probs, marks = np.array(probs, dtype=np.float32), np.array(marks, dtype=np.int8)
    return score_model(probs, marks, **(values | changes))


def test_every_item_is_counted_once_in_its_part():
    found = score(
        [[0.9, 0.1], [0.2, 0.6], [1.0, 0.0], [0.4, 0.4], [0.3, 0.3]],
        [[1, 0], [0, 1], [1, -1], [-1, -1], [0, 0]],
        validation=np.array([False, False, True, True, False]),
        shown=np.array([True, True, True, True, False]),
    )
    a, b = found.classes
    assert (a.train.positive.sum(), a.train.negative.sum()) == (1, 1)
    assert (a.validation.positive.sum(), a.validation.negative.sum()) == (1, 0)
    assert a.validation.positive[BINS - 1] == 1
    assert (a.unlabelled.sum(), b.unlabelled.sum()) == (1, 2)
    assert (a.train.auc, a.train.accuracy) == (1.0, 1.0)
    assert (a.validation.auc, a.validation.accuracy) == (None, 1.0)
    assert (b.validation.auc, b.validation.accuracy) == (None, None)


def test_one_class_per_item_is_the_highest_and_several_are_those_above_a_half():
    probs, marks = [[0.4, 0.3], [0.4, 0.45]], [[1, 0], [0, 1]]
    one, several = (score(probs, marks, one_class=one) for one in (True, False))
    assert (one.train_accuracy, several.train_accuracy) == (1.0, 0.5)
    assert one.classes[0].train.accuracy == 1.0
    assert several.classes[0].train.accuracy == 0.5
    assert one.validation_accuracy is None


def test_without_items_or_labels_there_is_nothing_to_say():
    found = score(np.zeros((0, 2)), np.zeros((0, 2)))
    assert found.train_accuracy is None
    assert found.classes[0].train.auc is None
    assert found.classes[0].unlabelled.sum() == 0


def test_scores_that_rounding_took_beyond_one_are_counted():
    found = score([[1.0000001, -1e-9]], [[-1, -1]])
    assert [c.unlabelled.sum() for c in found.classes] == [1, 1]
