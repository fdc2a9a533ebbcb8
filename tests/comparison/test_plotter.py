import numpy as np
import pytest
from PIL import Image

from classification import figures
from classification.comparison.curves import write_curve
from classification.comparison.play import Played
from classification.comparison.plotter import Plotter
from classification.comparison.tables import validation_stats
from classification.comparison.tsne import TSNEPlotter
from classification.errors import FieldmarkError
from classification.files import write_json
from classification.paths import ComparisonPaths


def training(strategy, *, iteration=0, number=2, level=0.5, epochs=4):
    return {
        "strategy": strategy,
        "seed": 0,
        "round": number,
        "num_labels": 30,
        "iteration": iteration,
        "accuracy": level,
        "recall": {},
        "epochs": [
            {
                "epoch": 2 * e,
                "loss": 1 / e,
                "train_accuracy": 0.9,
                "test_accuracy": level + 0.1 * e - 0.03 * e * (e > 2),
            }
            for e in range(1, epochs + 1)
        ],
    }


def record(folder, *trainings, classes=("cat", "deer")):
    path = folder / "val-results.json"
    content = {"task": "mine", "model": "resnet20", "classes": list(classes)}
    write_json(path, content | {"runs": list(trainings)})
    return path


@pytest.fixture
def file(tmp_path):
    runs = [
        training(n, iteration=i, level=0.4 + i / 10) for n in ("random", "margin") for i in range(3)
    ]
    return record(tmp_path, *runs, training("margin", number=1, level=0.0))


def lines(drawn, panel=2):
    return drawn.figure.axes[panel].lines


def test_every_training_and_the_mean_of_each_strategy_are_drawn(file):
    drawn = Plotter().get_plots_from_file(["random", "margin"], file)
    titles = [axes.get_title(loc="left") for axes in drawn.figure.axes]
    assert titles == ["Loss", "Training accuracy", "Test accuracy"]
    assert len(lines(drawn)) == 2 * (3 + 1)  # the earlier round is left out
    mean = lines(drawn)[3]
    assert list(mean.get_xdata()) == [2, 4, 6, 8]
    assert mean.get_ydata() == pytest.approx([0.6, 0.7, 0.71, 0.78])
    assert "margin" in figures.to_svg(drawn.figure)


def test_epochs_may_be_counted_anew(file):
    drawn = Plotter().get_plots_from_file(["random"], file, eps_interval=5)
    assert list(lines(drawn)[-1].get_xdata()) == [0, 5, 10, 15]


def test_strategies_of_several_files_stand_side_by_side_or_are_joined(tmp_path, file):
    (tmp_path / "other").mkdir()
    other = record(tmp_path / "other", training("random", level=0.2), training("badge"))
    plotter = Plotter()
    drawn = plotter.get_plots_from_multiple_files([["random"], ["random", "badge"]], [file, other])
    shown = figures.to_svg(drawn.figure)
    assert f"random {tmp_path.name}"[:20] in shown
    assert "random other" in shown
    joined = plotter.get_plots_from_multiple_files_joined(["random"], [file, other])
    assert len(lines(joined)) == 4 + 1


def test_what_cannot_be_drawn_is_named(tmp_path, file):
    plotter = Plotter()
    with pytest.raises(FieldmarkError, match="no strategy 'bald'; there are: margin, random"):
        plotter.get_plots_from_file(["bald"], file)
    with pytest.raises(FieldmarkError, match="2 lists of strategies for 1 files"):
        plotter.get_plots_from_multiple_files([["random"], ["margin"]], [file])
    with pytest.raises(FieldmarkError, match="not found"):
        plotter.get_plots_from_file(["random"], tmp_path / "gone.json")
    with pytest.raises(FieldmarkError, match="0 strategies; one figure shows 1 to 7"):
        plotter.get_plots_from_file([], file)
    (tmp_path / "birds").mkdir()
    birds = record(tmp_path / "birds", training("random"), classes=("tit", "owl"))
    with pytest.raises(FieldmarkError, match="are of other images or classes"):
        plotter.get_plots_from_multiple_files_joined(["random"], [file, birds])
    write_json(tmp_path / "list.json", [])
    with pytest.raises(FieldmarkError, match="not a record of validation runs"):
        plotter.get_plots_from_file(["random"], tmp_path / "list.json")


def test_a_figure_can_be_saved_and_shown_in_a_notebook(tmp_path, file):
    drawn = Plotter().get_plots_from_file(["random"], file)
    drawn.savefig(tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as image:
        assert image.width == 800
    assert drawn._repr_png_().startswith(b"\x89PNG")


def test_stats_are_of_the_best_epoch_on_average():
    runs = [training("margin", iteration=i, level=level) for i, level in enumerate((0.3, 0.5))]
    table = validation_stats({"runs": [training("random", level=0.1), *runs]})
    best = table.iloc[0]
    assert table["strategy"].tolist() == ["margin", "random"]
    assert (best["trainings"], best["epoch"]) == (2, 8)
    assert best["top_mean"] == pytest.approx(0.68)
    assert best["top_1"] == pytest.approx(0.78)
    assert best["variance"] == pytest.approx(0.02)
    assert np.isnan(table.iloc[1]["variance"])


def test_trainings_that_stopped_early_count_where_all_got():
    runs = [training("margin", epochs=2), training("margin", iteration=1, epochs=4)]
    (row,) = validation_stats({"runs": runs}).to_dict("records")
    assert row["epoch"] == 4


FEATURES = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
LABELS = ["cat", "deer"] * 20


def counts(drawn):
    return [len(c.get_offsets()) for c in drawn.figure.axes[0].collections]


def test_new_earlier_and_unasked_items_are_told_apart(tmp_path):
    now, before = np.zeros(40, dtype=bool), np.zeros(40, dtype=bool)
    now[:12], before[:5] = True, True
    for name, mask in (("cur", now), ("prev", before)):
        np.savez(tmp_path / f"{name}.npz", **{"0": mask, "1": ~mask if name == "cur" else mask})
    plotter = TSNEPlotter(
        ["random", "margin"],
        tmp_path / "cur.npz",
        tmp_path / "prev.npz",
        FEATURES,
        LABELS,
        save=tmp_path / "plots",
    )
    first, second = plotter.generate_tsne(idx=[0, 1])
    assert counts(first) == [28, 5, 7]
    assert sorted(path.name for path in (tmp_path / "plots").iterdir()) == [
        "margin.png",
        "random.png",
    ]
    planes = [drawn.figure.axes[1].collections[0].get_offsets() for drawn in (first, second)]
    assert np.array_equal(*planes)  # one plane for both


def test_networks_of_their_own_give_planes_of_their_own():
    features = [FEATURES, FEATURES[::-1].copy()]
    plotter = TSNEPlotter(["a", "b"], [[0], [1]], [[], []], features, LABELS)
    first, second = plotter.generate_tsne([0, 1])
    planes = [drawn.figure.axes[1].collections[0].get_offsets() for drawn in (first, second)]
    assert not np.array_equal(*planes)


def test_the_rounds_of_a_comparison_are_read_from_its_records(tmp_path):
    rows = [{"round": i, "num_labels": 4 * (i + 1)} for i in range(3)]
    path = ComparisonPaths(tmp_path).cell("mine", "margin", 0)
    write_curve(path, Played(rows=rows, queries=list(range(12)), recall=[]), {})
    for number, expected in ((-1, [28, 8, 4]), (1, [32, 4, 4]), (0, [36, 0, 4])):
        plotter = TSNEPlotter.of_comparison(
            tmp_path, ["margin"], FEATURES, LABELS, task="mine", round=number
        )
        (drawn,) = plotter.generate_tsne()
        assert counts(drawn) == expected
    with pytest.raises(FieldmarkError, match="no round 3 of 'margin' on mine"):
        TSNEPlotter.of_comparison(tmp_path, ["margin"], FEATURES, LABELS, task="mine", round=3)


def test_wrong_indices_are_named(tmp_path):
    with pytest.raises(FieldmarkError, match="index file not found"):
        TSNEPlotter(["a"], tmp_path / "gone.npz", [[]], FEATURES, LABELS)
    with pytest.raises(FieldmarkError, match="1 index arrays for 2 strategies"):
        TSNEPlotter(["a", "b"], [[]], [[]], FEATURES, LABELS)
    np.savez(tmp_path / "one.npz", **{"0": np.zeros(40, dtype=bool)})
    with pytest.raises(FieldmarkError, match="lacks the arrays 1"):
        TSNEPlotter(["a", "b"], tmp_path / "one.npz", [[], []], FEATURES, LABELS)
    with pytest.raises(FieldmarkError, match="give positions from 0 to 0"):
        TSNEPlotter(["a"], [[1]], [[]], FEATURES, LABELS).generate_tsne([1])
