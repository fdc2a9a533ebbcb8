import subprocess
import sys

import pytest
from PIL import Image

from classification.comparison.experiment_figures import experiment_curves
from classification.comparison.extract import extract_results_plots, gather
from classification.comparison.options import ExtractOptions
from classification.errors import FieldmarkError
from classification.files import write_json
from classification.paths import ComparisonPaths

from .made_results import made_results


def experiment(root, name, *, level=0.3, seed=0, split="one", **options):
    paths = ComparisonPaths(root / name)
    given = {"model": "SqueezeNet11", "dataset": "CIFAR10", "query_strategy": "margin_sampling"}
    write_json(paths.details, {"options": given | options})
    results = made_results({"margin": level}, tasks="a", seeds=1)
    results.assign(split=split, seed=seed, model="squeezenet1_1").to_parquet(paths.results)


@pytest.fixture
def folder(tmp_path):
    experiment(tmp_path, "query-random", level=0.3, query_strategy="random_sampling")
    experiment(tmp_path, "query-margin-0", level=0.4)
    experiment(tmp_path, "query-margin-1", level=0.5, seed=1, split="two")
    experiment(tmp_path, "query-emnist", level=0.6, dataset="EMNIST", split="three")
    experiment(tmp_path, "query-other", model="ResNet34")
    experiment(tmp_path, "pretraining-1", pretrained=True)
    ComparisonPaths(tmp_path / "query-begun").root.mkdir()
    return tmp_path


def options(folder, **values):
    return ExtractOptions(experiments=folder, **({"folder_prefix": "query"} | values))


def test_only_experiments_of_the_model_and_prefix_are_gathered(folder):
    table = gather(options(folder))
    assert set(table["experiment"]) == {
        "query-random", "query-margin-0", "query-margin-1", "query-emnist",
    }  # fmt: skip
    assert set(table["dataset"]) == {"cifar10", "emnist_balanced"}
    assert set(table["curve"]) == {"random_sampling", "margin_sampling"}
    assert set(gather(options(folder, model="resnet34"))["experiment"]) == {"query-other"}


def test_experiments_of_one_curve_are_averaged_with_their_range(folder):
    table = gather(options(folder))
    figure = experiment_curves(table, label="query_strategy")
    first = figure.axes[0]
    assert first.get_title(loc="left") == "emnist_balanced"  # the first folder in order
    cifar = figure.axes[1]
    lines = {str(line.get_label()): line for line in cifar.lines}
    both = table[(table["dataset"] == "cifar10") & (table["curve"] == "margin_sampling")]
    means = both.groupby("num_labels")["accuracy"].mean()
    assert list(lines["margin_sampling"].get_ydata()) == pytest.approx(means.tolist())
    assert len(cifar.collections) == 1  # one experiment alone has no range


def test_the_figure_lands_beside_the_experiments_or_where_it_is_told(folder, capsys):
    path = extract_results_plots(options(folder, save_path="gen_accuracy"))
    assert path == folder / "gen_accuracy.png"
    with Image.open(path) as image:
        assert image.width == 800
    assert "margin_sampling" in capsys.readouterr().out
    named = extract_results_plots(options(folder, save_path=folder / "docs/curve.svg"))
    assert named.read_text().startswith("<?xml")


def test_what_cannot_be_drawn_is_named(folder):
    with pytest.raises(FieldmarkError, match="'colour' is no option of an experiment; there are"):
        gather(options(folder, curve_label="colour"))
    with pytest.raises(FieldmarkError, match="no finished experiment with SqueezeNet11"):
        gather(options(folder, folder_prefix="generalization"))
    experiment(folder, "query-moved", split="four")
    with pytest.raises(FieldmarkError, match="divide the images differently: cifar10, seed 0"):
        gather(options(folder))


def test_more_curves_than_colours_are_refused(folder):
    for i in range(8):
        experiment(folder, f"many-{i}", epochs=i)
    table = gather(options(folder, folder_prefix="many", curve_label="epochs"))
    with pytest.raises(FieldmarkError, match="8 values of epochs; one figure shows 7"):
        experiment_curves(table, label="epochs")


def test_the_entry_point_takes_the_documented_short_options(root, folder):
    done = subprocess.run(
        [
            sys.executable, root / "classification/extract_results_plots.py",
            "-m=SqueezeNet11", "-fp=query", "-c=query_strategy", "-s=gen_accuracy",
            "--experiments", str(folder),
        ],
        capture_output=True, text=True, cwd=root,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (folder / "gen_accuracy.png").exists()
