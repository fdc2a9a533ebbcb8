"""From a classification dataset to a `Task`: its crops through a frozen backbone."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classification.comparison.task import Task
from classification.config import BackboneConfig
from classification.data.dataset import read_classes
from classification.data.table import burst_ids, location_ids, read_table
from classification.errors import FieldmarkError
from classification.paths import DatasetPaths

if TYPE_CHECKING:
    import pandas as pd


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
        embeddings=_embed(table, paths, backbone, store=store, threads=threads),
        labels=np.array([ids[name] for name in table["label"]], dtype=np.int64),
        classes=classes,
        units=pd.factorize(table["dataset"] + "/" + table["group"])[0].astype(np.int64),
        bursts=burst_ids(table),
        locations=location_ids(table),
        model=f"{backbone.name}, frozen",
    )


def _embed(
    table: "pd.DataFrame",
    paths: DatasetPaths,
    config: BackboneConfig,
    *,
    store: Path,
    threads: int,
) -> NDArray[np.float32]:
    from classification.learning.backbones import build_backbone, embedding_size, weights_hash
    from classification.learning.crops import CropReader, Inputs, Preprocessing
    from classification.learning.embeddings import Items, Kind, embed_items
    from classification.learning.fit import best_device

    network = build_backbone(config.name, config.weights, seed=0)
    preprocessing = Preprocessing(image_size=config.image_size, mean=config.mean, std=config.std)
    reader = CropReader(paths.crops, size=config.image_size, threads=threads)
    embeddings = embed_items(
        network,
        Inputs(reader=reader, preprocessing=preprocessing, device=best_device()),
        Items(paths=table["path"].tolist(), sha256=table["sha256"].tolist()),
        kind=Kind(
            weights=weights_hash(network),
            preprocessing=preprocessing,
            dim=embedding_size(network, config.image_size),
        ),
        folder=store,
    )
    return np.array(embeddings, dtype=np.float32)
