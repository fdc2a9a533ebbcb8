import json
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from classification import figures
from classification.evaluate import evaluate
from classification.evaluation.calibration import reliability
from classification.evaluation.thumbnails import thumbnail

AWKWARD = ["deer", "$cat_$", "<b>fox</b> & co", "野猪", "a very long name for an animal, truly"]


def evaluation(names=AWKWARD, n=200, locations=9, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, len(names), n)
    pred = np.where(rng.random(n) < 0.7, truth, rng.integers(0, len(names), n))
    groups = rng.integers(0, locations, n).astype(str)
    return evaluate(truth, pred, classes=names, groups=groups, rng=rng, resamples=50)


def rounds(n, **options):
    empty = {"num_labels": 0, "val": None, "test": None}
    scored = [
        {
            "num_labels": 50 * i,
            "val": evaluation(seed=i, **options).to_json(),
            "test": evaluation(seed=i + 100, **options).to_json(),
        }
        for i in range(1, n + 1)
    ]
    return [empty, *scored]


def all_figures(theme):
    result = evaluation()
    confidence = np.linspace(0, 1, 50)
    yield figures.learning_curve(rounds(3), theme=theme)
    yield figures.confusion_matrix(result.confusion, result.classes, theme=theme)
    yield figures.per_class(result, theme=theme)
    yield figures.per_location(result, theme=theme)
    yield figures.queried_classes({"start": {"$a$": 3}, "1": {"deer": 2}}, theme=theme)
    yield figures.reliability_diagram(reliability(confidence, confidence > 0.5), theme=theme)


def texts(figure):
    return [t.text or "" for t in ET.fromstring(figures.to_svg(figure)).iter() if t.text]


@pytest.mark.parametrize("theme", [figures.LIGHT, figures.DARK], ids=["light", "dark"])
def test_every_figure_saves_as_png_and_svg(theme, tmp_path):
    for place, figure in enumerate(all_figures(theme)):
        path = tmp_path / f"{place}.png"
        figures.save(figure, path)
        with Image.open(path) as image:
            assert image.width <= 800
            assert len(image.convert("RGB").getcolors(1 << 20) or []) > 10  # not blank
        assert ET.fromstring(figures.to_svg(figure)).tag.endswith("svg")
    assert not list(tmp_path.glob("*.tmp"))


def test_names_are_shown_as_they_are():
    shown = " ".join(texts(figures.per_class(evaluation())))
    for name in AWKWARD[:4]:
        assert name in shown
    assert "a very long name for an ani…" in shown


def test_the_same_figure_gives_the_same_svg():
    first, second = (figures.to_svg(figures.learning_curve(rounds(2))) for _ in range(2))
    assert first == second


def test_learning_curve_draws_the_scores_and_names_the_last():
    records = rounds(3)
    figure = figures.learning_curve(records)
    lines = figure.axes[0].lines
    assert [list(line.get_xdata()) for line in lines] == [[50, 100, 150]] * 2
    assert list(lines[1].get_ydata()) == [r["test"]["accuracy"] for r in records[1:]]
    assert f"test {records[-1]['test']['accuracy']:.0%}" in texts(figure)


@pytest.mark.parametrize("n", [0, 1])
def test_learning_curve_of_a_run_that_has_just_begun(n):
    figures.to_svg(figures.learning_curve(rounds(n)))


def test_learning_curve_without_intervals():
    figures.to_svg(figures.learning_curve(rounds(2, locations=1)))


@pytest.mark.parametrize("n", [2, 12, 60])
def test_confusion_matrix_shows_every_count_in_readable_type(n):
    result = evaluation([f"species {i}" for i in range(n)], n=40 * n)
    axes = figures.confusion_matrix(result.confusion, result.classes).axes[0]
    shown = {(round(t.get_position()[1]), round(t.get_position()[0])): t for t in axes.texts}
    for (row, column), count in np.ndenumerate(np.array(result.confusion)):
        assert (shown[row, column].get_text() if count else "") == (str(count) if count else "")
    assert min(t.get_fontsize() for t in axes.texts) >= 6


def test_confusion_matrix_leaves_out_classes_that_nobody_saw():
    truth = np.array([0, 2, 2])
    result = evaluate(
        truth,
        truth,
        classes=["ant", "bee", "cat"],
        groups=truth,
        rng=np.random.default_rng(0),
    )
    shown = texts(figures.confusion_matrix(result.confusion, result.classes))
    assert "ant" in shown
    assert "bee" not in shown


def test_many_classes_are_stacked_as_seven_and_the_others():
    queried = {"1": {f"class {i}": 20 - i for i in range(12)}, "2": {"class 0": 4}}
    figure = figures.queried_classes(queried)
    assert {"class 0", "class 6", "5 others"} <= set(texts(figure))
    tops = {patch.get_x(): patch.get_y() + patch.get_height() for patch in figure.axes[0].patches}
    assert list(tops.values()) == [sum(queried["1"].values()), 4]


def test_contact_sheet_keeps_a_place_for_what_is_missing(tmp_path):
    path = tmp_path / "red.png"
    Image.new("RGB", (400, 100), "red").save(path)
    (tmp_path / "torn.jpg").write_bytes(b"\xff\xd8\xff")
    paths = [path, tmp_path / "torn.jpg", tmp_path / "absent.jpg"]
    sheet = figures.contact_sheet(paths, ["a caption far too long for one tile", "b", "c"])
    assert sheet.width == 3 * 160
    assert sheet.getpixel((80, 84)) == (255, 0, 0)
    figures.save(sheet, tmp_path / "sheet.jpg")
    with pytest.raises(ValueError, match="3 images and 1 captions"):
        figures.contact_sheet(paths, ["a"])


def test_thumbnail_turns_a_photo_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (600, 300)).save(tmp_path / "turned.jpg", exif=exif)
    image = thumbnail(tmp_path / "turned.jpg", size=100)
    assert image is not None
    assert image.size == (50, 100)


def test_figures_leave_pyplot_alone(root):
    code = "import classification.figures, sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=root)
    loaded = json.loads(done.stdout)
    assert "matplotlib.pyplot" not in loaded
    assert "torch" not in loaded
