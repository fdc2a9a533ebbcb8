"""The app's state from a run: its dataset, the newest round's model and what it asked for."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classification.app.items import of_dataset
from classification.app.marks import UNKNOWN
from classification.app.state import AppState
from classification.config import RunConfig
from classification.data.dataset import Dataset, load_dataset
from classification.errors import FieldmarkError
from classification.files import read_json
from classification.labelling.people import overlap_of
from classification.paths import DatasetPaths, EmbeddingPaths, RunPaths
from classification.predictions import PROBABILITY
from classification.schemas import CropTable, QueryTable, read_csv

if TYPE_CHECKING:
    from classification.learning.head import Head


@dataclass(frozen=True, kw_only=True)
class Model:
    """What the newest round with a model says of all items.

    Attributes:
        probs: float32 [N, C]; None before there is a model.
        head: what made them.
        embeddings: float32 or float16 [N, D], memory-mapped; None where no store is whole.
    """

    probs: NDArray[np.float32] | None = None
    head: "Head | None" = None
    embeddings: NDArray[np.floating] | None = None


def state_of_run(
    config: RunConfig,
    run: RunPaths,
    *,
    annotator: str,
    frames_folder: Path | None = None,
    several: bool = False,
    feature_maps: bool = False,
) -> AppState:
    """What `label.py serve` shows.

    Args:
        config: of the run.
        run: its folder.
        annotator: who labels where a browser does not say.
        frames_folder: the images that crops were cut from, to be shown beside them.
        several: an image may show several classes.
        feature_maps: make them, where they are not there yet, for the networks of the Model tab.

    Raises:
        FieldmarkError: the dataset cannot be read, or the newest round is of another one.
    """
    dataset = load_dataset(config.data, people=True)
    number = newest_number(run)
    classes = _classes(run, number) or dataset.classes
    model = _model(config, run, dataset, classes)
    crops = DatasetPaths(Path(config.data.dir)).crop_table
    table = read_csv(crops, CropTable, what="crop table") if crops.exists() else None
    return AppState(
        items=of_dataset(dataset, crops=table, frames_folder=frames_folder),
        classes=classes,
        store=config.labels.store or run.labels,
        known=_known(config, dataset, len(classes)),
        embeddings=model.embeddings,
        feature_maps=_maps(config, run, dataset) if feature_maps else None,
        probs=model.probs,
        head=model.head,
        query=_query(run, number, dataset),
        round=number,
        annotator=annotator,
        overlap=overlap_of(config.labels),
        several=several,
        may_add_classes=config.labels.new_classes == "accept",
    )


def take_next_round(state: AppState, config: RunConfig, run: RunPaths) -> bool:
    """Show the newest round's model and queries where one was played since; whether it was.

    Raises:
        FieldmarkError: see `state_of_run`; the app stays with the round it shows.
    """
    number = newest_number(run)
    if number <= state.round:
        return False
    dataset = load_dataset(config.data, people=True)
    theirs = _classes(run, number)
    for name in theirs:
        state.take_class(name)
    model = _model(config, run, dataset, tuple(state.classes))
    same = tuple(state.classes[: len(theirs)]) == theirs  # or the head's columns are others
    state.start_round(
        number,
        query=_query(run, number, dataset),
        probs=model.probs,
        head=model.head if same else None,
        embeddings=model.embeddings,
    )
    return True


def newest_number(run: RunPaths) -> int:
    """Number of the newest complete round; -1 before the first."""
    done = run.complete_rounds()
    return done[-1] if done else -1


def _classes(run: RunPaths, number: int) -> tuple[str, ...]:
    """Classes of the newest round, which may have got some from people; () before the first."""
    if number < 0:
        return ()
    return tuple(read_json(run.round(number).metrics, what="metrics")["classes"])


def _query(run: RunPaths, number: int, dataset: Dataset) -> list[int]:
    """What a round asked for, as rows of the dataset, best first."""
    if number < 0:
        return []
    asked = read_csv(run.round(number).query, QueryTable, what="query")["path"]
    position = {path: i for i, path in enumerate(dataset.paths)}
    return [position[path] for path in asked if path in position]


def _known(config: RunConfig, dataset: Dataset, classes: int) -> NDArray[np.int8]:
    """Labels of the table, int8 [N, C]; those that the oracle hides are not known."""
    known = np.full((len(dataset), classes), UNKNOWN, dtype=np.int8)
    rows = dataset.labels >= 0
    if config.labels.source == "oracle":
        rows &= dataset.split != "train"
    known[rows] = 0
    known[rows, dataset.labels[rows]] = 1
    return known


def _model(config: RunConfig, run: RunPaths, dataset: Dataset, classes: tuple[str, ...]) -> Model:
    played = run.newest_model()
    if played is None:
        return Model(embeddings=_any_embeddings(run, dataset))
    from classification.learning.embeddings import Items, Kind
    from classification.learning.head import load_head
    from classification.learning.model import Card

    card = Card.from_json(read_json(played.model, what="model card"), where=played.model)
    kind = Kind(
        weights=card.weights_sha256,
        preprocessing=card.preprocessing,
        dim=card.dim,
        store=config.backbone.store,
    )
    items = Items(paths=dataset.paths, sha256=dataset.table["sha256"].tolist())
    store = EmbeddingPaths(run.embeddings, kind.key(items))
    return Model(
        probs=_probs(played.predictions, dataset, classes),
        head=load_head(played.head),
        embeddings=_whole(store, len(dataset)),
    )


def _maps(config: RunConfig, run: RunPaths, dataset: Dataset) -> NDArray[np.floating]:
    """Feature maps of all items by the newest backbone, [N, H, W, C]."""
    from classification.learning.feature_maps import map_items
    from classification.learning.fit import make_bench
    from classification.learning.model import Card

    played = run.newest_model()
    card = None
    if played is not None:
        card = Card.from_json(read_json(played.model, what="model card"), where=played.model)
    elif config.backbone.weights == "none":
        raise FieldmarkError(
            "the backbone has random weights and was not trained yet: its feature maps say "
            "nothing. Play a round with train.py first"
        )
    return map_items(make_bench(config, dataset, run), card)


def _probs(path: Path, dataset: Dataset, classes: tuple[str, ...]) -> NDArray[np.float32]:
    """A round's predictions, float32 [N, C]; 0 for classes that came after it."""
    import pandas as pd

    table = pd.read_parquet(path)
    if table["path"].tolist() != dataset.paths:
        raise FieldmarkError(
            f"{path} is of other items than the dataset: it was made again since. Go on with "
            "train.py (which says what changed), or point data.dir to the run's dataset"
        )
    columns = [f"{PROBABILITY}{name}" for name in classes]
    return table.reindex(columns=columns, fill_value=0.0).to_numpy(dtype=np.float32)


def _whole(store: EmbeddingPaths, rows: int) -> NDArray[np.floating] | None:
    """The array of a store that holds every row."""
    try:
        record = read_json(store.progress, what="progress of the embedding store")
        array = np.load(store.array, mmap_mode="r")
    except (FieldmarkError, OSError, ValueError):
        return None
    return array if record.get("done") == rows == len(array) else None


def _any_embeddings(run: RunPaths, dataset: Dataset) -> NDArray[np.floating] | None:
    """Before the first model: the newest store of just these files, as round 0 makes one."""
    from classification.learning.reuse import digests

    wanted = digests(dataset.table["sha256"])
    for record in sorted(run.embeddings.glob("*.json"), key=lambda p: -p.stat().st_mtime):
        store = EmbeddingPaths(run.embeddings, record.stem)
        try:
            same = np.array_equal(np.load(store.digests), wanted)
        except (OSError, ValueError):  # of an older version, or being made
            continue
        if same and (array := _whole(store, len(dataset))) is not None:
            return array
    return None
