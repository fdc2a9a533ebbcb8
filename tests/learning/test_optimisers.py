import pytest
from torch import nn, optim

from classification.config_learning import FinetuneConfig
from classification.learning.optimisers import TorchPace, make_pace


def rates(pace, epochs, *, steps=4, accuracy=0.5):
    """Learning rate at the start of each epoch and at the end."""
    found = [pace.optimiser.param_groups[0]["lr"]]
    for _ in range(epochs):
        for _ in range(steps):
            pace.optimiser.step()
            pace.after_step()
        pace.after_epoch(loss=1.0, accuracy=accuracy)
        found.append(pace.optimiser.param_groups[0]["lr"])
    return found


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"optimiser": "sgd"}, [0.1] * 6),
        ({"optimiser": "adam", "schedule": "constant"}, [0.1] * 6),
        ({"optimiser": "sgd", "schedule": "plateau"}, [0.1, 0.1, 0.1, 0.05, 0.05, 0.025]),
    ],
)
def test_the_rate_follows_the_recipe(fields, expected):
    pace = make_pace(nn.Linear(2, 2), FinetuneConfig(learning_rate=0.1, **fields), 20)
    assert rates(pace, 5) == pytest.approx(expected)


def test_one_cycle_rises_and_falls_and_cosine_only_falls():
    cycle = rates(make_pace(nn.Linear(2, 2), FinetuneConfig(learning_rate=0.1), 20), 5)
    assert max(cycle) > 2 * cycle[0] > cycle[-1]
    falling = FinetuneConfig(learning_rate=0.1, optimiser="sgd", schedule="cosine")
    cosine = rates(make_pace(nn.Linear(2, 2), falling, 20), 5)
    assert cosine == sorted(cosine, reverse=True)
    assert cosine[-1] == pytest.approx(0)


def test_classes_of_torch_are_called_with_the_rate_and_the_optimiser():
    make = TorchPace(optimiser=optim.SGD, schedule=optim.lr_scheduler.ReduceLROnPlateau)
    pace = make(nn.Linear(2, 2), FinetuneConfig(learning_rate=0.4), 8)
    assert isinstance(pace.optimiser, optim.SGD)
    assert rates(pace, 3) == pytest.approx([0.4, 0.4, 0.4, 0.2])
    plain = TorchPace(optimiser=optim.Adam)(nn.Linear(2, 2), FinetuneConfig(), 8)
    assert rates(plain, 2) == pytest.approx([1e-3] * 3)
