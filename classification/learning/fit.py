"""The model of one round: choose or train the backbone, embed, fit the head."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from classification.config import RunConfig
from classification.data.dataset import Dataset
from classification.learning.backbones import embedding_size, weights_hash
from classification.learning.crops import CropReader, Inputs, Preprocessing
from classification.learning.embeddings import Items, Kind, embed_items
from classification.learning.fit_head import Known, fit_head
from classification.learning.head import Head
from classification.learning.model import Card
from classification.learning.round_backbone import choose_backbone, run_embedder
from classification.learning.stop import StopRequest
from classification.learning.team import ALONE, Team
from classification.learning.temperature import Calibration, calibrate
from classification.paths import RunPaths

_HEAD = 3  # purpose of random numbers, beside those of rounds.py


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What training needs and no round changes; decoded crops are kept from round to round."""

    config: RunConfig
    dataset: Dataset
    paths: RunPaths
    inputs: Inputs
    stop: StopRequest = field(default_factory=StopRequest)
    """Whether the process is to end."""


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """The model of a round, and what it says of every row of the dataset.

    Attributes:
        embeddings: float32 or float16 [N, D], memory-mapped.
        probs: float32 [N, C].
        calibration: what the temperature did on the validation split; None without one.
    """

    head: Head
    card: Card
    embeddings: NDArray[np.floating]
    probs: NDArray[np.float32]
    calibration: Calibration | None


def make_bench(
    config: RunConfig,
    dataset: Dataset,
    paths: RunPaths,
    team: Team = ALONE,
    stop: StopRequest | None = None,
) -> Bench:
    """Set up device, decoding and deterministic arithmetic."""
    inputs, stop = make_inputs(config, dataset.crops, team), stop or StopRequest()
    return Bench(config=config, dataset=dataset, paths=paths, inputs=inputs, stop=stop)


def make_inputs(config: RunConfig, crops: Path, team: Team) -> Inputs:
    """The run's view of its crops, on its device, in deterministic arithmetic."""
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False
    preprocessing = Preprocessing(
        image_size=config.backbone.image_size, mean=config.backbone.mean, std=config.backbone.std
    )
    reader = CropReader(
        crops,
        size=preprocessing.image_size,
        threads=config.launch.threads or team.threads,
        keep=config.finetune.trains,
    )
    return Inputs(
        reader=reader,
        preprocessing=preprocessing,
        device=pick_device(config, team),
        forward_batch=config.backbone.batch_size,
        team=team,
    )


def pick_device(config: RunConfig, team: Team = ALONE) -> torch.device:
    """The device asked for; `auto` takes the best there is, each process of a team its own GPU."""
    auto = config.launch.device == "auto"
    device = best_device() if auto else torch.device(config.launch.device)
    one_each = device.type == "cuda" and team.size > 1
    return torch.device("cuda", team.local_rank) if one_each else device


def best_device() -> torch.device:
    """CUDA, or else Apple's MPS, or else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def fit_round(
    bench: Bench,
    *,
    rows: NDArray[np.intp],
    labels: NDArray[np.int64],
    previous: Card | None,
    number: int,
) -> Fitted:
    """Train on the labelled rows.

    Args:
        bench: the run.
        rows: positions of the labelled items [n], at least one.
        labels: class ids [n].
        previous: card of the newest earlier round with a model.
        number: of the round.
    """
    config, dataset = bench.config, bench.dataset
    chosen = choose_backbone(bench, rows=rows, labels=labels, previous=previous, number=number)
    embeddings = _embed(bench, chosen.network, chosen.sha256)
    head, calibration = _fit_head(bench, embeddings, rows=rows, labels=labels, number=number)
    card = Card(
        backbone=config.backbone.name,
        weights=chosen.weights,
        weights_sha256=chosen.sha256,
        trained_with=chosen.trained_with,
        seed=config.seed,
        dim=embeddings.shape[1],
        feat_dim=config.backbone.feat_dim,
        normalize=config.backbone.normalize,
        preprocessing=bench.inputs.preprocessing,
        classes=dataset.classes,
        seen=tuple(dataset.classes[i] for i in head.classes),
        num_labels=len(rows),
        round=number,
        data=dataset.hashes,
        head=config.head.kind,
        temperature=head.temperature,
    )
    return Fitted(
        head=head,
        card=card,
        embeddings=embeddings,
        probs=head.predict(embeddings, len(dataset.classes)),
        calibration=calibration,
    )


def embed_untrained(bench: Bench) -> NDArray[np.floating] | None:
    """Embeddings [N, D] by the backbone a run begins with; None if its weights are random."""
    config = bench.config.backbone
    if config.weights == "none":
        return None
    network = run_embedder(bench.config, config.weights)
    return _embed(bench, network, weights_hash(network))


def _embed(bench: Bench, network: nn.Module, sha256: str) -> NDArray[np.floating]:
    """Embeddings of all items [N, D], memory-mapped; only what no store holds is computed."""
    config, dataset = bench.config, bench.dataset
    return embed_items(
        network,
        bench.inputs,
        Items(paths=dataset.paths, sha256=dataset.table["sha256"].tolist()),
        kind=Kind(
            weights=sha256,
            preprocessing=bench.inputs.preprocessing,
            dim=embedding_size(network, config.backbone.image_size),
            store=config.backbone.store,
        ),
        folder=bench.paths.embeddings,
        others=bench.paths.sibling_embeddings(),
    )


def _fit_head(
    bench: Bench,
    embeddings: NDArray[np.floating],
    *,
    rows: NDArray[np.intp],
    labels: NDArray[np.int64],
    number: int,
) -> tuple[Head, Calibration | None]:
    config, dataset = bench.config, bench.dataset
    kept = dataset.rows("val", labelled=True)
    val = Known(embeddings=_rows(embeddings, kept), labels=dataset.labels[kept])
    head = fit_head(
        _rows(embeddings, rows),
        labels,
        config=config.head,
        val=val,
        seed=int(np.random.default_rng([config.seed, number, _HEAD]).integers(2**31)),
    )
    return calibrate(head, val.embeddings, val.labels) if config.head.calibrate else (head, None)


def _rows(embeddings: NDArray[np.floating], rows: NDArray[np.intp]) -> NDArray[np.float32]:
    """Some rows in memory, in full precision."""
    return np.asarray(embeddings[rows], dtype=np.float32)
