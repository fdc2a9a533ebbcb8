"""From a dataset to a `Task`: its images through a frozen backbone."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classification.comparison.data_prep import DataPrep
from classification.comparison.end_to_end import EndToEnd, image_task, keys
from classification.comparison.task import Task
from classification.config import BackboneConfig
from classification.data.dataset import read_classes
from classification.data.parallel import core_count
from classification.data.table import burst_ids, location_ids, read_table
from classification.errors import FieldmarkError
from classification.files import sha256_bytes
from classification.paths import DatasetPaths

if TYPE_CHECKING:
    import pandas as pd

    from classification.learning.crops import Inputs, Preprocessing


def dataset_task(folder: Path, backbone: BackboneConfig, *, store: Path, threads: int = 0) -> Task:
    """All labelled crops of a dataset, embedded once.

    Args:
        folder: what create_classification_dataset.py wrote.
        backbone: the frozen network.
        store: folder of the embeddings, which are computed only where they are missing.
        threads: that decode; 0: one per core.

    Raises:
        FieldmarkError: no dataset in `folder`, or nothing in it is labelled.
    """
    import pandas as pd

    paths = DatasetPaths(folder)
    table = read_table(paths.table)
    table = table[table["label"].notna()].reset_index(drop=True)
    if table.empty:
        raise FieldmarkError(
            f"{paths.table} holds no label: a comparison plays with labels that are known"
        )
    classes = read_classes(paths.label_index)
    ids = {name: i for i, name in enumerate(classes)}
    return Task(
        name=folder.name,
        embeddings=_of_table(table, paths, backbone, store=store, threads=threads),
        labels=np.array([ids[name] for name in table["label"]], dtype=np.int64),
        classes=classes,
        units=pd.factorize(table["dataset"] + "/" + table["group"])[0].astype(np.int64),
        bursts=burst_ids(table),
        locations=location_ids(table),
        model=f"{backbone.name}, frozen",
    )


def frozen_task(prep: DataPrep, backbone: BackboneConfig, *, store: Path) -> Task:
    """All images of a dataset with its own pool and test, embedded once.

    Args:
        prep: the dataset.
        backbone: the frozen network.
        store: folder of the embeddings, which are computed only where they are missing.

    Raises:
        FieldmarkError: the dataset lacks something.
    """
    from classification.comparison.prep_reader import PrepReader
    from classification.learning.crops import Inputs
    from classification.learning.fit import best_device

    task = image_task(EndToEnd(prep=prep, network=backbone.name))
    items = keys(task, np.arange(len(task.labels)))
    reader = PrepReader(prep, size=backbone.image_size, threads=core_count(0))
    inputs = Inputs(reader=reader, preprocessing=_preprocessing(backbone), device=best_device())
    hashes = [sha256_bytes(reader.read(key).tobytes()) for key in items]
    embeddings = _embed(backbone, inputs, items, hashes, store=store)
    model = f"{backbone.name}, frozen"
    return replace(task, embeddings=embeddings, model=model, learner=None, content="")


def _of_table(
    table: "pd.DataFrame",
    paths: DatasetPaths,
    config: BackboneConfig,
    *,
    store: Path,
    threads: int,
) -> NDArray[np.float32]:
    from classification.learning.crops import CropReader, Inputs
    from classification.learning.fit import best_device

    reader = CropReader(paths.crops, size=config.image_size, threads=threads)
    inputs = Inputs(reader=reader, preprocessing=_preprocessing(config), device=best_device())
    hashes = table["sha256"].tolist()
    return _embed(config, inputs, table["path"].tolist(), hashes, store=store)


def _embed(
    config: BackboneConfig,
    inputs: "Inputs",
    items: Sequence[str],
    hashes: Sequence[str],
    *,
    store: Path,
) -> NDArray[np.float32]:
    from classification.learning.backbones import build_backbone, embedding_size, weights_hash
    from classification.learning.embeddings import Items, Kind, embed_items

    network = build_backbone(config.name, config.weights, seed=0)
    kind = Kind(
        weights=weights_hash(network),
        preprocessing=inputs.preprocessing,
        dim=embedding_size(network, config.image_size),
    )
    embeddings = embed_items(
        network, inputs, Items(paths=items, sha256=hashes), kind=kind, folder=store
    )
    return np.array(embeddings, dtype=np.float32)


def _preprocessing(config: BackboneConfig) -> "Preprocessing":
    from classification.learning.crops import Preprocessing

    return Preprocessing(image_size=config.image_size, mean=config.mean, std=config.std)
