"""The steps of FixMatch on embeddings: draw, disturb, learn, average."""

import copy
import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from classification.learning.fixmatch_config import FixMatchConfig
from classification.learning.fixmatch_data import Training
from classification.learning.masked_losses import masked_loss, pseudo_targets
from classification.learning.standardise import block_rows


class Trainer:
    """Weights, their running mean, and the source of every random draw."""

    def __init__(
        self, data: Training, config: FixMatchConfig, *, seed: int, network: nn.Module | None
    ) -> None:
        self.data, self.config = data, config
        self.random = torch.Generator().manual_seed(seed)
        self.network = network or _head(data, config, self.random)
        self.averaged = copy.deepcopy(self.network)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.draw = _draw_weights(data.targets[data.labelled], config)
        self.count = 0

    def step(self, share_done: float) -> tuple[float, float, float]:
        """Learn from one batch; losses on labels and pseudo-labels, share of pseudo-labels."""
        config, self.count = self.config, self.count + 1
        for group in self.optimizer.param_groups:
            group["lr"] = config.learning_rate * math.cos(share_done * math.pi / 2)
        rows = self._sample(self.data.labelled, config.batch_size, self.draw)
        x, targets = self.data.batch(rows)
        self.network.train()
        labelled = masked_loss(self.network(self._weak(x)), targets, config)
        unlabelled, used = labelled.new_zeros(()), 0.0
        if config.weight and config.ratio and len(self.data.unlabelled):
            unlabelled, used = self._unlabelled_loss()
        loss = labelled + config.weight * unlabelled
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self._average()
        return float(labelled.detach()), float(unlabelled.detach()), used

    def held_out_loss(self) -> float:
        """Of the running mean."""
        self.averaged.eval()
        total = 0.0
        with torch.inference_mode():
            for rows in self.data.held_out.split(block_rows(self.data.embeddings)):
                x, targets = self.data.batch(rows)
                total += float(masked_loss(self.averaged(x), targets, self.config)) * len(rows)
        return total / len(self.data.held_out)

    def _unlabelled_loss(self) -> tuple[Tensor, float]:
        """Mean over all unlabelled items of the batch, as in the paper, sure or not."""
        rows = self._sample(self.data.unlabelled, self.config.batch_size * self.config.ratio, None)
        x, targets = self.data.batch(rows)
        with torch.no_grad():
            sure = pseudo_targets(self.network(self._weak(x)), targets, self.config)
        known = ~sure.isnan()
        wanted = targets.isnan()
        if self.config.output == "softmax":
            known, wanted = known.any(dim=1), wanted.any(dim=1)
        used = float(known.sum() / wanted.sum().clamp(min=1))
        return masked_loss(self.network(self._strong(x)), sure, self.config) * used, used

    def _sample(self, rows: Tensor, n: int, weights: Tensor | None) -> Tensor:
        if weights is None:
            return rows[torch.randint(len(rows), (n,), generator=self.random)]
        return rows[torch.multinomial(weights, n, replacement=True, generator=self.random)]

    def _weak(self, x: Tensor) -> Tensor:
        return self._disturb(x, self.config.weak_noise, self.config.weak_dropout)

    def _strong(self, x: Tensor) -> Tensor:
        share = torch.rand(len(x), generator=self.random) * self.config.strong_mix
        share = share.reshape(-1, *[1] * (x.ndim - 1))
        x = x + share * (x[torch.randperm(len(x), generator=self.random)] - x)
        return self._disturb(x, self.config.strong_noise, self.config.strong_dropout)

    def _disturb(self, x: Tensor, noise: float, dropout: float) -> Tensor:
        """Of a feature map whole channels: what is drawn for each place cancels out in the pool."""
        shape = (len(x), *[1] * (x.ndim - 2), x.shape[-1]) if self.data.per_channel else x.shape
        if noise:
            x = x + noise * torch.randn(shape, generator=self.random)
        if dropout:
            x = x * ((torch.rand(shape, generator=self.random) >= dropout) / (1 - dropout))
        return x

    def _average(self) -> None:
        decay = min(self.config.averaging, self.count / (self.count + 10))  # soon past the start
        pairs = zip(
            self.averaged.state_dict().values(), self.network.state_dict().values(), strict=True
        )
        for mean, value in pairs:
            if mean.is_floating_point():
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)


def _head(data: Training, config: FixMatchConfig, random: torch.Generator) -> nn.Sequential:
    widths = [data.embeddings.shape[1], *config.hidden, data.targets.shape[1]]
    layers: list[nn.Module] = []
    for i, (wide, out) in enumerate(pairwise(widths)):
        layer = nn.Linear(wide, out)
        last = i == len(widths) - 2
        nn.init.normal_(layer.weight, std=0.01 if last else math.sqrt(2 / wide), generator=random)
        nn.init.zeros_(layer.bias)
        layers += [layer] if last else [layer, nn.ReLU()]
    return nn.Sequential(*layers)


def _draw_weights(targets: Tensor, config: FixMatchConfig) -> Tensor | None:
    """Chance of each labelled item, such that every class is drawn as often: float64 [n]."""
    if not config.class_balanced:
        return None
    present = (targets == 1).double()
    present = torch.cat([present, 1 - present.amax(dim=1, keepdim=True)], dim=1)  # none present
    return (present / present.sum(dim=0).clamp(min=1)).sum(dim=1)
