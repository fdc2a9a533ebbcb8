"""FixMatch on images: guesses on slightly changed crops are taught on strongly changed ones.

Sohn et al., 2020, arXiv:2001.07685. Only guesses of at least the threshold's probability count; the
others take part in batch normalisation and have no gradient.

On crops of unseen cameras, 120 labels and 3 seeds, it adds nothing to fine-tuning alone (macro-F1
0.586 and 0.589; the head without either 0.457) at five times the processor time:
`benchmarks/semi_supervision_images.py`.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from classification.config_learning import SemiConfig
from classification.learning.augment import strong, weak
from classification.learning.crops import Inputs
from classification.learning.loaders import Turns


class Unlabelled:
    """Endless pairs of batches of unlabelled crops, changed slightly and strongly.

    Args:
        paths: of the crops; none turns the pairs off.
        inputs: where crops come from, and the device.
        config: `ratio` unlabelled crops go with each labelled one.
        batch_size: labelled crops per step.
        seed: of the order.
    """

    def __init__(
        self,
        paths: Sequence[str],
        inputs: Inputs,
        config: SemiConfig,
        *,
        batch_size: int,
        seed: int,
    ) -> None:
        self._paths, self._inputs = paths, inputs
        self.size = batch_size * config.ratio
        self._on = config.weight > 0 and len(paths) > 0
        self._turns = Turns(np.arange(len(paths)), np.random.default_rng(seed))

    def state(self) -> list[Any]:
        """What the next pairs depend on."""
        return self._turns.state()

    def restore(self, state: list[Any]) -> None:
        """Be where another one was at `state`."""
        self._turns.restore(state)

    def pairs(
        self, steps: int, generator: torch.Generator, *, done: int = 0
    ) -> Iterator[tuple[Tensor, ...]]:
        """For every step a weak and a strong batch, float32 [B, 3, S, S]; or nothing, if off.

        Of a team, each process gets its part of the `size` crops.

        Args:
            steps: of an epoch.
            generator: of the changes.
            done: steps of the epoch to leave out: they were made before.
        """
        if not self._on:
            return iter(((),) * (steps - done))
        chosen = self._turns.take(steps * self.size)[done * self.size :]
        return self._read([self._paths[int(i)] for i in chosen], generator)

    def _read(
        self, paths: Sequence[str], generator: torch.Generator
    ) -> Iterator[tuple[Tensor, ...]]:
        for crops, part in self._inputs.parts(paths, self.size):
            pair = (weak(crops, generator, part), strong(crops, generator, part))
            yield tuple(self._inputs.preprocessing.normalise(changed) for changed in pair)


def consistency_loss(guesses: Tensor, answers: Tensor, *, threshold: float) -> Tensor:
    """Cross-entropy of the strong batch against the guesses on the weak one.

    The mean over all crops, as in the paper: crops without a sure guess count as 0.

    Args:
        guesses: logits of the weak batch, float32 [B, C]; they get no gradient.
        answers: logits of the strong batch, float32 [B, C].
        threshold: least probability of a guess.
    """
    sure, guessed = guesses.detach().softmax(dim=1).max(dim=1)
    losses = F.cross_entropy(answers, guessed, reduction="none")
    return (losses * (sure >= threshold)).mean()
