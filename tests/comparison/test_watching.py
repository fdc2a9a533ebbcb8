import pytest

from classification.comparison.end_to_end import image_task
from classification.comparison.grid import play_grid
from classification.comparison.play import Entrant, Protocol
from classification.errors import FieldmarkError
from classification.paths import ComparisonPaths

from .test_end_to_end import learner


def play(folder):
    task, paths = image_task(learner()), ComparisonPaths(folder)
    play_grid(
        [task],
        [Entrant(name="margin", strategy="margin")],
        protocols={task.title: Protocol(start=9, batch=6, rounds=1)},
        seeds=[0],
        paths=paths,
        processes=0,
        tensorboard=True,
    )
    return paths.events(task.title, "margin", 0)


def test_tensorboard_gets_scalars_histograms_and_precision_recall_curves(tmp_path):
    pytest.importorskip("tensorboard", reason="the extra 'tensorboard' is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(play(tmp_path)), size_guidance={"histograms": 0})
    events.Reload()
    tags = events.Tags()
    assert {"training/loss", "training/accuracy", "round/macro_f1"} <= set(tags["scalars"])
    assert [e.step for e in events.Scalars("round/accuracy")] == [9, 15]
    steps = [e.step for e in events.Scalars("training/loss")]
    assert steps == list(range(1, 17))  # one training after another
    asked = events.Histograms("queried classes")
    assert [e.histogram_value.num for e in asked] == [9, 6]
    assert {f"precision-recall/{name}" for name in ("top", "middle", "bottom")} <= set(
        tags["tensors"]
    )


def test_without_the_package_there_is_advice(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch.utils.tensorboard", None)
    with pytest.raises(FieldmarkError, match=r"pip install 'fieldmark\[tensorboard\]'"):
        play(tmp_path)
