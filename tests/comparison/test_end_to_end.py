import pickle
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from torch import nn

from classification.comparison.end_to_end import EndToEnd, image_task
from classification.comparison.play import Entrant, Protocol, play
from classification.comparison.task import split_task
from classification.config_learning import FinetuneConfig
from classification.learning.finetune import Epoch

from .images import SIDE, Bars

RECIPE = FinetuneConfig(
    epochs=8, batch_size=8, learning_rate=3e-3, optimiser="adam", augment="none", loader="single"
)


class Small(nn.Module):
    """A network of classes of one's own."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten()
        )
        self.classifier = nn.Linear(128, 3)

    def forward(self, x):
        return self.classifier(self.body(x))


def learner(**fields):
    return EndToEnd(**({"prep": Bars(), "network": Small, "recipe": RECIPE} | fields))


def test_a_network_of_ones_own_learns_and_its_classifier_answers():
    epochs = []
    task = image_task(learner())
    engine = task.learner.engine(
        task, split_task(task, 0), seed=0, watch=lambda e, _: epochs.append(e)
    )
    rows = split_task(task, 0).train[:24]
    seen = engine.learn(rows, task.labels[rows], 3)
    test = task.split.test
    assert seen.embeddings.shape == (90, 128)
    assert (seen.probs[test].argmax(axis=1) == task.labels[test]).mean() > 0.9
    assert seen.head.predict(seen.embeddings, 3) == pytest.approx(seen.probs)
    assert [type(e) for e in epochs] == [Epoch] * 8
    assert epochs[-1].loss < epochs[0].loss
    assert epochs[-1].accuracy > 0.9


def test_it_learns_from_scratch_each_time_and_the_seed_fixes_it():
    task = image_task(learner())
    split = split_task(task, 0)
    rows = split.train[:12]
    engines = [task.learner.engine(task, split, seed=s, watch=lambda *_: None) for s in (0, 0, 1)]
    first = engines[0].learn(rows, task.labels[rows], 3)
    again = engines[0].learn(rows, task.labels[rows], 3)
    other = [e.learn(rows, task.labels[rows], 3) for e in engines[1:]]
    assert np.array_equal(first.probs, again.probs)
    assert np.array_equal(first.probs, other[0].probs)
    assert not np.array_equal(first.probs, other[1].probs)


def test_before_any_label_it_gives_embeddings_only():
    task = image_task(learner(network="timm/test_resnet", image_size=32))
    engine = task.learner.engine(task, task.split, seed=0, watch=lambda *_: None)
    seen = engine.learn(np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.int64), 3)
    assert seen.probs is None
    assert seen.embeddings.shape == (90, 96)


def test_items_for_validation_are_in_neither_pool_nor_test():
    task = image_task(learner(), validation=9)
    split = task.split
    assert len(split.val) == 9
    assert len(split.train) == 51
    assert not set(split.val) & (set(split.train) | set(split.test))
    assert split.digest() != image_task(learner()).split.digest()


def test_strategies_play_on_it_with_named_networks_and_colder_starts():
    task = image_task(learner(network="resnet20", recipe=FinetuneConfig(epochs=1, batch_size=8)))
    assert task.title == "bars resnet20"
    badge = Entrant(name="badge", strategy="badge")
    protocol = Protocol(start_per_class=3, batch=6, rounds=1)
    played = play(task, task.split, badge, protocol, seed=0)
    assert [row["num_labels"] for row in played.rows] == [9, 15]
    typiclust = Entrant(name="typiclust", strategy="typiclust")
    cold = Protocol(start=6, batch=6, rounds=0, cold=True)
    assert len(play(task, task.split, typiclust, cold, seed=0).queries) == 6


def test_it_travels_to_another_process():
    copy = pickle.loads(pickle.dumps(image_task(learner())))
    assert copy.digest() == image_task(learner()).digest()
    assert copy.learner.size == SIDE
    assert copy.learner.stamp() == learner().stamp()


def test_training_on_few_labels_is_not_ended_before_batch_norms_know_their_statistics():
    epochs = []
    task = image_task(learner(recipe=replace(RECIPE, patience=1, learning_rate=1.0)), validation=9)
    split = task.split
    engine = task.learner.engine(task, split, seed=0, watch=lambda e, _: epochs.append(e))
    engine.learn(split.train[:8], task.labels[split.train[:8]], 3)
    assert len(epochs) == RECIPE.epochs
    losses = [epoch.val_loss for epoch in epochs]
    assert any(b >= a for a, b in pairwise(losses[:-1]))  # a patience of 1 would have ended it
