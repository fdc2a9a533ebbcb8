"""Which backbone a round uses: the newest one, trained on first where that is due."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import nn

from classification.config import FinetuneConfig, RunConfig
from classification.files import sha256_lines
from classification.learning.backbones import (
    embedding_size,
    read_weights,
    weights_hash,
    write_weights,
)
from classification.learning.embedder import build_embedder
from classification.learning.finetune import Labelled, finetune
from classification.learning.milestones import Milestones
from classification.learning.model import Card, resolve_weights

if TYPE_CHECKING:
    from classification.learning.fit import Bench


@dataclass(frozen=True, kw_only=True)
class ChosenBackbone:
    """A network from image to embedding, and what the card says of it.

    Attributes:
        weights: default, none, or a file; checkpoints are named relative to the run.
        sha256: hash of the weights.
        trained_with: labels it was last trained with; 0 if it never was.
    """

    network: nn.Module
    weights: str
    sha256: str
    trained_with: int


def choose_backbone(
    bench: "Bench",
    *,
    rows: NDArray[np.intp],
    labels: NDArray[np.int64],
    previous: Card | None,
    number: int,
) -> ChosenBackbone:
    """The newest backbone, trained on first where that is due, and kept as a checkpoint then.

    Args:
        bench: the run.
        rows: positions of the labelled items [n].
        labels: class ids [n]; a single class trains nothing.
        previous: card of the newest earlier round with a model.
        number: of the round.
    """
    config = bench.config
    weights = previous.weights if previous else config.backbone.weights
    trained_with = previous.trained_with if previous else 0
    network = run_embedder(config, resolve_weights(weights, run=bench.paths.root))
    sha256 = weights_hash(network)
    recipe = _due(config.finetune, labels=len(rows), trained_with=trained_with)
    if recipe is None or len(np.unique(labels)) < 2:
        return ChosenBackbone(
            network=network, weights=weights, sha256=sha256, trained_with=trained_with
        )
    train = Labelled(paths=[bench.dataset.paths[i] for i in rows], labels=labels)
    unlabelled = _unlabelled(bench, rows) if recipe.semi.weight > 0 else []
    basis = [sha256, repr(asdict(recipe)), str(config.seed), str(number)]
    basis += [f"{label} {path}" for label, path in zip(labels, train.paths, strict=True)]
    basis += unlabelled
    checkpoint = bench.paths.checkpoint(sha256_lines(basis)[:16])
    if checkpoint.exists():  # the run was stopped after this point
        network.load_state_dict(read_weights(checkpoint))
    else:
        milestones = Milestones(
            path=bench.paths.unfinished(checkpoint),
            older=bench.paths.unfinished_before(checkpoint),
            seconds=60 * config.launch.save_minutes,
            stop=bench.stop,
        )
        _finetune(
            bench,
            network,
            train=train,
            unlabelled=unlabelled,
            recipe=recipe,
            number=number,
            milestones=milestones,
        )
        write_weights(checkpoint, network.state_dict())
        milestones.over()
    return ChosenBackbone(
        network=network,
        weights=checkpoint.relative_to(bench.paths.root).as_posix(),
        sha256=weights_hash(network),
        trained_with=len(rows),
    )


def run_embedder(config: RunConfig, weights: str) -> nn.Module:
    """The embedding model of a run with these weights."""
    backbone = config.backbone
    return build_embedder(
        backbone.name,
        weights,
        image_size=backbone.image_size,
        feat_dim=backbone.feat_dim,
        normalize=backbone.normalize,
        seed=config.seed,
    )


def _due(config: FinetuneConfig, *, labels: int, trained_with: int) -> FinetuneConfig | None:
    """The recipe of the training that is due now, if one is."""
    first = config.recipe(first=True)
    if trained_with == 0 and first.epochs > 0:
        return first
    later = config.recipe(first=False)
    return later if later.epochs > 0 and labels - trained_with >= config.every else None


def _unlabelled(bench: "Bench", labelled: NDArray[np.intp]) -> list[str]:
    """The train items without a label yet."""
    return [bench.dataset.paths[i] for i in np.setdiff1d(bench.dataset.rows("train"), labelled)]


def _finetune(
    bench: "Bench",
    network: nn.Module,
    *,
    train: Labelled,
    unlabelled: list[str],
    recipe: FinetuneConfig,
    number: int,
    milestones: Milestones,
) -> None:
    config, dataset = bench.config, bench.dataset
    val = dataset.rows("val", labelled=True)
    finetune(
        network,
        bench.inputs,
        train=train,
        val=Labelled(paths=[dataset.paths[i] for i in val], labels=dataset.labels[val]),
        dim=embedding_size(network, config.backbone.image_size),
        n_classes=len(dataset.classes),
        config=recipe,
        unlabelled=unlabelled,
        seed=int(np.random.default_rng([config.seed, number]).integers(2**31)),
        milestones=milestones,
    )
