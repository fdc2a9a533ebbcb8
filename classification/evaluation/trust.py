"""How far a run can be taken at its word: rows and sentences of the report, from its tables.

Everything is computed from ``predictions.parquet`` (val and test), ``query.csv`` and
``metrics.json``, so that it can be made again later and elsewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classification.evaluation.acceptance import Acceptance, Scored, acceptance
from classification.evaluation.audit_slice import AuditSlice, audit_slices, together
from classification.evaluation.calibration import log_loss, reliability, untempered
from classification.evaluation.expected_gain import ExpectedGain, run_gains
from classification.evaluation.mislabels import confident_learning
from classification.evaluation.record import RunRecord
from classification.predictions import PROBABILITY

if TYPE_CHECKING:
    import pandas as pd

TARGETS = (0.9, 0.95, 0.99)


@dataclass(frozen=True, kw_only=True)
class Honesty:
    """What temperature scaling did to one split.

    Attributes:
        split: val, where the temperature was fitted, or test, where it was not.
        temperature: logits were divided by it; 1 where the head was not calibrated.
        n: items with a label.
        ece: expected calibration error before and after, 15 bins.
        log_loss: nats per item before and after.
    """

    split: str
    temperature: float
    n: int
    ece: tuple[float, float]
    log_loss: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Trust:
    """Everything of this page for one run; parts that its files do not allow are empty."""

    honesty: list[Honesty]
    acceptance: list[Acceptance]
    audit: list[AuditSlice]
    audit_together: AuditSlice | None
    suspects: "pd.DataFrame"
    judged: int
    """Labelled items of val and test that were looked at for `suspects`."""
    gains: list[ExpectedGain]
    gain_split: str


def trust(record: RunRecord, *, rng: np.random.Generator, resamples: int = 1000) -> Trust:
    """Judge a run by what is in its folder.

    Args:
        record: the run.
        rng: source of the bootstrap draws.
        resamples: bootstrap resamples of locations.
    """
    predictions = record.predictions
    split = "val" if any(r.get("val") for r in record.rounds) else "test"
    audit = (
        [] if record.train is None else audit_slices(record.rounds, record.queries, record.train)
    )
    return Trust(
        honesty=honesty(predictions, temperature=float(record.model.get("temperature", 1.0))),
        acceptance=acceptances(predictions, rng=rng, resamples=resamples),
        audit=audit,
        audit_together=together(audit),
        suspects=label_suspects(predictions),
        judged=sum(len(labelled(predictions, name)) for name in ("val", "test")),
        gains=run_gains(record.rounds, split=split, batch=_batch(record)),
        gain_split=split,
    )


def labelled(predictions: "pd.DataFrame | None", split: str) -> "pd.DataFrame":
    """The items of a split whose label is known."""
    import pandas as pd

    if predictions is None:
        return pd.DataFrame()
    return predictions[(predictions["split"] == split) & predictions["label"].notna()]


def honesty(predictions: "pd.DataFrame | None", *, temperature: float) -> list[Honesty]:
    """Calibration before and after the temperature, on each split with labels."""
    found = []
    for split in ("val", "test"):
        probs, truth = known_probs(labelled(predictions, split))
        if not len(truth):
            continue
        before, hits = untempered(probs, temperature), probs.argmax(axis=1) == truth
        ece = [reliability(p.max(axis=1), hits).ece for p in (before, probs)]
        loss = [log_loss(truth, p) for p in (before, probs)]
        found.append(
            Honesty(
                split=split,
                temperature=temperature,
                n=len(truth),
                ece=(ece[0], ece[1]),
                log_loss=(loss[0], loss[1]),
            )
        )
    return found


def acceptances(
    predictions: "pd.DataFrame | None",
    *,
    rng: np.random.Generator,
    targets: Sequence[float] = TARGETS,
    resamples: int = 1000,
) -> list[Acceptance]:
    """What could be accepted unseen; empty without labelled items of both val and test."""
    val, test = (labelled(predictions, split) for split in ("val", "test"))
    if not len(val) or not len(test):
        return []
    return [
        acceptance(scored(val), scored(test), target=target, rng=rng, resamples=resamples)
        for target in targets
    ]


def scored(items: "pd.DataFrame") -> Scored:
    """Labelled rows of a table of predictions as `acceptance` takes them."""
    return Scored(
        confidence=items["confidence"].to_numpy(float),
        correct=(items["label"] == items["prediction"]).to_numpy(bool),
        location=items["group"].to_numpy(str) if "group" in items else None,
    )


def known_probs(items: "pd.DataFrame") -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Probabilities [n, C] and true class ids [n] of the rows whose label is a class of the model.

    Rows of another label are left out; without probability columns nothing is left.
    """
    columns = [name for name in items if str(name).startswith(PROBABILITY)]
    ids = {str(name).removeprefix(PROBABILITY): i for i, name in enumerate(columns)}
    if not columns:
        return np.zeros((0, 0)), np.zeros(0, dtype=np.int64)
    truth = np.array([ids.get(label, -1) for label in items["label"]], dtype=np.int64)
    return items[columns].to_numpy(dtype=np.float64)[truth >= 0], truth[truth >= 0]


def label_suspects(predictions: "pd.DataFrame | None") -> "pd.DataFrame":
    """Items of val and test whose label is probably wrong, the most suspicious first.

    The model learned from neither, so it does not repeat what it was told (`mislabels`).

    Returns:
        The rows of `predictions`, with suggestion and margin.
    """
    import pandas as pd

    items = pd.concat([labelled(predictions, split) for split in ("val", "test")])
    probs, truth = known_probs(items)
    if not len(truth):
        return items.head(0).assign(suggestion=None, margin=None)
    columns = [str(name) for name in items if str(name).startswith(PROBABILITY)]
    names = [name.removeprefix(PROBABILITY) for name in columns]
    items = items[items["label"].isin(names)]
    rows, suggested, margin = confident_learning(probs, truth)
    return items.iloc[rows].assign(suggestion=[names[i] for i in suggested], margin=margin)


def _batch(record: RunRecord) -> int:
    """Labels of a batch: what the newest round asks for, else what an earlier one did."""
    asked = [int(r.get("num_queries") or 0) for r in record.rounds]
    return next((n for n in reversed(asked) if n), 1)
