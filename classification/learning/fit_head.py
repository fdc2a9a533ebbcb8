"""Fitting the head, from scratch every round: logistic, linear or MLP."""

import copy
import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from classification.config_learning import HeadConfig
from classification.learning.head import Array, Head
from classification.linear import fit_linear

_BATCH = 200  # items per step, scikit-learn's choice, too
_RATES = {
    "linear": (1e-4, 1.0),
    "mlp": (1e-3, 0.1),
}  # learning rate and L2 penalty, where not given
_LEAST_VALIDATION = 20  # with fewer items the best epoch is mostly luck


@dataclass(frozen=True, kw_only=True)
class Known:
    """Items with labels: `embeddings` float32 [n, D], `labels` int64 [n]."""

    embeddings: Array
    labels: NDArray[np.int64]


def fit_head(
    embeddings: Array,
    labels: NDArray[np.int64],
    *,
    config: HeadConfig,
    val: Known | None = None,
    seed: int = 0,
) -> Head:
    """Fit the kind of head that `config` names.

    The logistic head is the optimum of scikit-learn's L-BFGS and involves no random choice. The
    linear head and the MLP are trained by Adam and keep their best epoch: the lowest loss on `val`,
    or, with fewer than 20 items there, on what they are trained with.

    Args:
        embeddings: float32 [n, D].
        labels: int64 [n], class ids.
        config: kind, penalty, class weights and iterations.
        val: items to stop by; those of classes without a label are left out.
        seed: of the mlp's first weights and of the order of items.

    Returns:
        The head. With labels of one class only it answers that class with certainty.
    """
    if config.kind == "logistic" or len(np.unique(labels)) < 2:
        return Head.of_linear(
            fit_linear(
                embeddings,
                labels,
                inverse_penalty=config.C,
                class_balanced=config.class_balanced,
                max_iter=config.max_iter,
            )
        )
    mean = embeddings.mean(axis=0, dtype=np.float64).astype(np.float32)
    spread = embeddings.std(axis=0, dtype=np.float64).astype(np.float32)
    scale = np.where(spread > 1e-6, spread, 1).astype(np.float32)
    classes = np.unique(labels).astype(np.int64)

    def scaled(items: Known) -> "_Items":
        known = np.isin(items.labels, classes)
        x = (items.embeddings[known] - mean) / scale
        ids = np.searchsorted(classes, items.labels[known])
        return _Items(x=torch.from_numpy(x), ids=torch.from_numpy(ids))

    train = scaled(Known(embeddings=embeddings, labels=labels))
    judge = scaled(val) if val is not None else train
    layers = _train(
        train,
        judge if len(judge.ids) >= _LEAST_VALIDATION else train,
        n_classes=len(classes),
        config=config,
        seed=seed,
    )
    return Head(
        mean=mean,
        scale=scale,
        weights=tuple(layer.weight.detach().numpy() for layer in layers),
        biases=tuple(layer.bias.detach().numpy() for layer in layers),
        classes=classes,
    )


@dataclass(frozen=True, kw_only=True)
class _Items:
    """Standardised embeddings float32 [n, D] and columns of their classes int64 [n]."""

    x: Tensor
    ids: Tensor

    def class_weights(self, n_classes: int, *, balanced: bool) -> Tensor:
        """float32 [n_classes], mean 1 over the items."""
        counts = torch.bincount(self.ids, minlength=n_classes).clamp(min=1)
        weights = len(self.ids) / (counts * (counts > 0).sum())
        return weights.float() if balanced else torch.ones(n_classes)


def _train(
    train: _Items, judge: _Items, *, n_classes: int, config: HeadConfig, seed: int
) -> list[nn.Linear]:
    """Layers of the best epoch."""
    hidden = config.hidden if config.kind == "mlp" else ()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        sizes = [train.x.shape[1], *hidden, n_classes]
        layers = [nn.Linear(a, b) for a, b in pairwise(sizes)]
    between: list[nn.Module] = []
    for layer in layers[:-1]:
        between += [layer, nn.ReLU()]
    network = nn.Sequential(*between, layers[-1])
    if not hidden:  # the optimum is unique, and noise in a thousand weights would outlast few steps
        nn.init.zeros_(layers[0].weight)
        nn.init.zeros_(layers[0].bias)
    optimiser = _optimiser(layers, config)
    weights = train.class_weights(n_classes, balanced=config.class_balanced)
    judging = judge.class_weights(n_classes, balanced=config.class_balanced)
    generator = torch.Generator().manual_seed(seed)
    best, best_state, stale = math.inf, network.state_dict(), 0
    for _ in range(config.max_iter):
        for rows in torch.randperm(len(train.ids), generator=generator).split(_BATCH):
            loss = F.cross_entropy(network(train.x[rows]), train.ids[rows], weight=weights)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
        with torch.inference_mode():
            now = float(F.cross_entropy(network(judge.x), judge.ids, weight=judging))
        stale = 0 if now < best - config.tol else stale + 1
        if now < best:
            best, best_state = now, copy.deepcopy(network.state_dict())
        if stale >= config.patience:
            break
    network.load_state_dict(best_state)
    return layers


def _optimiser(layers: list[nn.Linear], config: HeadConfig) -> torch.optim.Adam:
    """The penalty is on weights alone, as in scikit-learn: a bias that is drawn to 0 would deny how
    often a class is seen."""
    rate, penalty = _RATES[config.kind]
    return torch.optim.Adam(
        [
            {
                "params": [layer.weight for layer in layers],
                "weight_decay": penalty if config.alpha is None else config.alpha,
            },
            {"params": [layer.bias for layer in layers], "weight_decay": 0.0},
        ],
        lr=rate if config.learning_rate is None else config.learning_rate,
    )
