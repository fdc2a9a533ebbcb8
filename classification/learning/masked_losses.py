"""Losses where some of an item's classes are unknown, and the pseudo-labels that stand in.

A target is 1 (present), 0 (absent) or NaN (unknown). What is unknown adds nothing to the loss.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from classification.learning.fixmatch_config import FixMatchConfig


def masked_loss(logits: Tensor, targets: Tensor, config: FixMatchConfig) -> Tensor:
    """Mean loss over what is known; 0 where nothing is.

    Args:
        logits: float32 [B, C].
        targets: float32 [B, C]: 1, 0 or NaN.
        config: output, smoothing and focus.
    """
    if config.output == "softmax":
        loss, known = _softmax(logits, targets, config.label_smoothing)
    else:
        loss, known = _sigmoid(logits, targets, config)
    return (loss * known).sum() / known.sum().clamp(min=1)


def pseudo_targets(logits: Tensor, targets: Tensor, config: FixMatchConfig) -> Tensor:
    """Targets that the model is sure of where they are unknown, NaN elsewhere: float32 [B, C].

    Softmax (Sohn et al. 2020, equation 4): the likeliest class of an item without a known one, if
    its probability reaches the threshold. Otherwise every unknown class by itself: present from
    the threshold up, absent from one minus the threshold down.
    """
    if config.output == "softmax":
        probs = logits.softmax(dim=1)
        probs = probs.masked_fill(targets == 0, 0)
        top, label = probs.max(dim=1, keepdim=True)
        sure = (top >= config.threshold) & ~(targets == 1).any(dim=1, keepdim=True)
        one_hot = torch.zeros_like(probs).scatter_(1, label, 1)
        return one_hot.masked_fill(~sure, torch.nan)
    probs = logits.sigmoid()
    out = torch.full_like(probs, torch.nan)
    out[probs >= config.threshold] = 1
    out[probs <= 1 - config.threshold] = 0
    return out.masked_fill(~targets.isnan(), torch.nan)


def _softmax(logits: Tensor, targets: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
    """Minus the log probability of the classes still possible."""
    present = targets == 1
    possible = torch.where(present.any(dim=1, keepdim=True), present, targets != 0)
    log_probs = logits.log_softmax(dim=1)
    loss = -log_probs.masked_fill(~possible, -torch.inf).logsumexp(dim=1)
    if smoothing:
        loss = (1 - smoothing) * loss - smoothing * log_probs.mean(dim=1)
    return loss, (~targets.isnan()).any(dim=1)


def _sigmoid(logits: Tensor, targets: Tensor, config: FixMatchConfig) -> tuple[Tensor, Tensor]:
    known = ~targets.isnan()
    target = targets.nan_to_num(0)
    if config.output == "focal":
        loss = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
        return loss * (1 - torch.exp(-loss)) ** config.focal_gamma, known
    target = target * (1 - config.label_smoothing) + config.label_smoothing / 2
    return F.binary_cross_entropy_with_logits(logits, target, reduction="none"), known
