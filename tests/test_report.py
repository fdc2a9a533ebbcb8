import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from classification.errors import FieldmarkError
from classification.evaluate import evaluate
from classification.evaluation import sections
from classification.evaluation.calibration import acceptance_threshold
from classification.evaluation.embed import tiles
from classification.files import write_json, write_text
from classification.paths import RunPaths
from classification.report import write_report
from classification.schemas import QueryTable, TrainTable, write_csv

CLASSES = ["bobcat", "coyote", "deer", "empty", "opossum", "raccoon"]
NASTY = "<script>alert('x')</script> & co"


def fabricate(root, names, *, rounds=3, classes=CLASSES, cameras=12, per_round=20, audit=0, seed=0):
    """A plausible run folder whose model gets better by the round; `names` are its crops."""
    rng = np.random.default_rng(seed)
    run = RunPaths(root)
    write_text(run.config, "seed: 0\nquery:\n  strategy: margin\n  size: 20\n")
    names = np.array(names)
    truth = rng.integers(0, len(classes), len(names))
    camera = np.array([f"camera {i:02d}" for i in rng.integers(0, cameras, len(names))])
    split = np.where(np.arange(len(names)) % 5 < 2, "train", "val")
    split[np.arange(len(names)) % 5 > 2] = "test"
    pool = np.flatnonzero(split == "train")
    asked = rng.permutation(pool)
    for number in range(rounds):
        labels = min(number * per_round, len(pool))
        record = {
            "round": number,
            "num_labels": labels,
            "num_pool": len(pool) - labels,
            "classes": list(classes),
            "val": None,
            "test": None,
            "train_counts": {},
            "strategy": "margin" if number else "random",
            "num_queries": per_round,
            "seconds": {"train": 1.5, "query": 0.2},
            "data": {"table": "ab" * 32, "splits": "cd" * 32},
        }
        paths = run.round(number)
        taken = asked[:labels]
        if number:
            probs = rng.dirichlet(np.ones(len(classes)) * 0.4, len(names))
            sure = 1.5 * (1 - 0.6**number) * rng.random(len(names))
            probs[np.arange(len(names)), truth] += sure
            probs /= probs.sum(axis=1, keepdims=True)
            for part in ("val", "test"):
                rows = split == part
                record[part] = evaluate(
                    truth[rows], probs[rows], classes=classes, groups=camera[rows], rng=rng
                ).to_json()
            label = np.array(classes)[truth]
            record["train_counts"] = pd.Series(label[taken]).value_counts().to_dict()
            train = pd.DataFrame({"path": names[taken], "label": label[taken]})
            train = train.assign(
                source="oracle", annotator="", round=np.arange(labels) // per_round
            )
            write_csv(paths.train, train.assign(annotator="oracle"), TrainTable)
            predictions = pd.DataFrame({"path": names, "split": split, "label": label})
            predictions["prediction"] = np.array(classes)[probs.argmax(axis=1)]
            predictions["confidence"] = probs.max(axis=1)
            predictions["group"] = camera
            columns = [f"p_{name}" for name in classes]
            predictions = predictions.join(pd.DataFrame(probs, columns=columns))
            predictions.loc[split == "train", "label"] = None
            predictions.to_parquet(paths.predictions)
            write_json(
                paths.model, {"backbone": "resnet18", "temperature": 1.5, "classes": list(classes)}
            )
        ask = asked[labels : labels + per_round]
        query = pd.DataFrame({"rank": range(len(ask)), "path": names[ask], "strategy": "margin"})
        query["suggestion"] = np.array(classes)[truth[ask]] if number else None
        query["confidence"] = np.linspace(0.2, 0.5, len(ask)) if number else None
        query.loc[: audit - 1, "strategy"] = "audit"
        write_csv(paths.query, query, QueryTable)
        write_json(paths.provenance, {"seed": 0, "versions": {"torch": "2.15"}})
        write_json(paths.metrics, record)
    return run


@pytest.fixture(scope="module")
def crops(tmp_path_factory):
    folder = tmp_path_factory.mktemp("crops")
    for i in range(150):
        Image.new("RGB", (30, 20), (i, 100, 200 - i)).save(folder / f"{i:03d}.jpg")
    return folder


def names_of(folder):
    return sorted(path.name for path in folder.iterdir())


class Page(HTMLParser):
    """Tags, addresses and visible text of a page; fails on tags that do not match."""

    VOID = frozenset({"meta", "img", "source", "br", "link", "input"})

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.sources, self.words = [], [], [], []
        self.feed(text)
        assert not self.open
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.sources += [v for k, v in attrs if k in ("src", "srcset", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)


def page(run, crops_dir):
    path = write_report(run.root, crops_dir=crops_dir)
    assert path == run.report
    return Page(path.read_text("utf-8"))


@pytest.fixture(scope="module")
def shown(tmp_path_factory, crops):
    """The page of a run of two trained rounds."""
    run = fabricate(tmp_path_factory.mktemp("runs") / "resnet18" / "first", names_of(crops))
    return page(run, crops)


def test_the_report_says_how_the_run_went(shown):
    assert "resnet18/first" in shown.text
    assert re.search(
        r"With 40 labels the model is right on \d+% of 60 images "
        r"from \d+ cameras it has never seen",
        shown.text,
    )
    for part in ("Learning curve", "Confusion matrix", "Most confident mistakes", "asks for"):
        assert part in shown.text
    for name in CLASSES:
        assert name in shown.text
    assert "ab" * 32 in shown.text
    assert "size: 20" in shown.text
    thumbnails = [s for s in shown.sources if s.startswith("data:image/jpeg")]
    assert len(thumbnails) >= 20


def test_the_report_is_complete_in_itself(shown):
    assert all(source.startswith("data:image/") for source in shown.sources)
    assert not {"script", "link", "iframe", "object"} & set(shown.tags)


def test_labels_and_file_names_are_escaped(tmp_path, crops):
    first = names_of(crops)[0]
    names = [f"{NASTY}{i}.jpg" for i in range(149)] + [first]
    run = fabricate(tmp_path / "run", names, classes=[NASTY, 'a"b', "c"])
    shown = page(run, crops)
    assert "script" not in shown.tags
    assert NASTY in shown.text


def test_a_run_that_waits_for_its_first_labels(tmp_path, crops):
    shown = page(fabricate(tmp_path / "run", names_of(crops), rounds=1), crops)
    assert "No model has been trained yet. Round 0 asks for 20 labels." in shown.text
    assert "no guess yet" in shown.text
    assert "Learning curve" not in shown.text


def test_a_run_of_one_round_at_a_single_camera(tmp_path, crops):
    run = fabricate(tmp_path / "run", names_of(crops), rounds=2, cameras=1)
    text = page(run, crops).text
    assert "Learning curve" in text
    assert "No interval: all items come from one location" in text


@pytest.mark.parametrize(
    ("groups", "unit", "caution"),
    [
        (["a", "b"], "cameras", "Only 2 cameras"),
        (["sequence:1", "image:x.jpg"], "sequences", "Only 2 sequences"),
        (["a", "sequence:1"], "groups", "Only 2 groups"),
        ([f"camera {i}" for i in range(10)], "cameras", None),
    ],
)
def test_the_headline_says_what_the_interval_rests_on(groups, unit, caution):
    truth = np.arange(len(groups)) % 2
    scores = evaluate(truth, truth, classes=["x", "y"], groups=groups, rng=np.random.default_rng(0))
    record = {"round": 1, "num_labels": 9, "val": scores.to_json(), "test": None}
    head = sections.headline([record, {"round": 2, "val": None, "test": None}])
    assert head is not None
    assert (head.split, head.round, head.unit) == ("val", 1, unit)
    assert (head.caution or "").startswith(caution or "")
    assert (head.caution is None) == (caution is None)


def test_without_a_crops_folder_blanks_are_named(tmp_path):
    run = fabricate(tmp_path / "run", [f"gone/{i}.jpg" for i in range(150)])
    text = page(run, None).text
    assert "gone/" in text
    assert "no crops folder was given" in text


def test_only_readable_crops_inside_their_folder_are_shown(tmp_path, crops):
    Image.new("RGB", (9, 9)).save(tmp_path / "private.jpg")
    inside = tmp_path / "crops"
    shutil.copytree(crops, inside)
    (inside / "torn.jpg").write_bytes(b"\xff\xd8\xff")
    paths = ["000.jpg", "torn.jpg", "gone.jpg", "../private.jpg", str(tmp_path / "private.jpg")]
    table = pd.DataFrame({"path": paths, "prediction": "deer", "confidence": np.nan})
    made = tiles(table, inside, title="prediction")
    assert [tile.source is not None for tile in made] == [True, False, False, False, False]
    assert made[0].confidence is None


def test_a_report_needs_only_metrics_and_names_the_round_of_its_scores(tmp_path, crops):
    run = fabricate(tmp_path / "run", names_of(crops))
    write_json(
        run.round(3).metrics,
        {"round": 3, "num_labels": 60, "classes": CLASSES, "val": None, "test": None},
    )
    for path in run.root.rglob("*"):
        if path.is_file() and path.name != "metrics.json":
            path.unlink()
    assert "Round 3 has no scores; these are from round 2" in page(run, crops).text


def test_a_folder_without_rounds_says_what_to_do(tmp_path):
    with pytest.raises(FieldmarkError, match="Run training on this folder first"):
        write_report(tmp_path)


def test_acceptance_threshold_is_the_lowest_that_holds():
    confidence = np.array([0.9, 0.8, 0.8, 0.7, 0.6])
    correct = np.array([1, 1, 0, 1, 0])
    options = {"least": 1}
    assert acceptance_threshold(confidence, correct, precision=0.75, **options) == 0.7
    assert acceptance_threshold(confidence, correct, precision=0.9, **options) == 0.9
    assert acceptance_threshold(confidence, correct, precision=0.9, least=2) is None
    assert acceptance_threshold(confidence[:0], correct[:0], precision=0.9) is None


def test_mistakes_are_the_most_confident_ones_first():
    items = pd.DataFrame(
        {
            "path": list("abcd"),
            "label": ["x", "x", "y", "y"],
            "prediction": ["x", "y", "x", "x"],
            "confidence": [0.99, 0.6, 0.9, 0.7],
        }
    )
    assert sections.confident_mistakes(items, limit=2)["path"].tolist() == ["c", "d"]
    assert sections.least_confident(items, limit=2)["path"].tolist() == ["b", "d"]


def test_queried_labels_are_counted_by_the_round_that_asked():
    train = pd.DataFrame({"round": [10, 2, -1, 2], "label": ["x", "y", "x", "y"]})
    assert sections.queried_labels(train) == {"start": {"x": 1}, "2": {"y": 2}, "10": {"x": 1}}


def test_worst_locations_need_enough_images_to_tell():
    truth = np.array([0] * 12)
    pred = np.array([1] * 2 + [0] * 4 + [1] * 6)
    groups = np.array(["tiny"] * 2 + ["creek"] * 4 + ["creek"] + ["ridge"] * 5)
    scores = evaluate(truth, pred, classes=["a", "b"], groups=groups, rng=np.random.default_rng(0))
    assert [row["name"] for row in sections.worst_locations(scores)] == ["ridge", "creek"]


def test_the_report_says_how_far_the_model_can_be_trusted(tmp_path, crops):
    run = fabricate(tmp_path / "run", names_of(crops), rounds=5, per_round=12, audit=4)
    text = page(run, crops).text
    assert re.search(r"The next 12 labels are expected to add \d+\.\d points of accuracy", text)
    assert re.search(r"Before and after dividing logits by the temperature 1\.50", text)
    assert re.search(r"What could be accepted unseen .* 95% (confidence|not reached)", text)
    assert "How right is it on the pool?" in text
    assert re.search(r"Confident learning doubts \d+ of the \d+ labels of val and test", text)


def test_a_report_of_an_older_run_does_without_locations(tmp_path, crops):
    run = fabricate(tmp_path / "run", names_of(crops), rounds=3)
    for path in run.root.rglob("predictions.parquet"):
        pd.read_parquet(path).drop(columns="group").to_parquet(path)
    text = page(run, crops).text
    assert "no range can be given" in text
    assert "How right is it on the pool?" not in text
    assert "Is another batch worth it?" not in text  # two scored rounds
