"""The part of a run's configuration that says who labels and how. No disk, network or data here."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit


@dataclass(frozen=True, kw_only=True)
class LabelConfig:
    """Who answers the queries."""

    source: Literal["oracle", "store", "timelapse"] = "oracle"
    """oracle: reveal the hidden label of the table (simulation); store: wait for people's labels
    in the label store; timelapse: exchange CSV files with Timelapse."""
    store: str = ""
    """Where decisions are kept: empty for labels.db in the run folder, or an SQLAlchemy address
    such as postgresql://ann@host/labels for a team; one database (or schema) per run. No password
    here: it belongs into PGPASSWORD or ~/.pgpass."""
    wait: Literal["no", "enter", "watch"] = "no"
    """When labels are missing. no: end, and go on when called again; enter: go on when someone
    presses enter; watch: go on by itself when the labels are there."""
    new_classes: Literal["refuse", "accept"] = "refuse"
    """A label that is no class of the dataset. refuse: report it; accept: a class of its own from
    this round on, appended to the list, so that earlier rounds stay as they were."""
    annotator: str = "timelapse"
    """Who labels in Timelapse; recorded with each decision."""
    overlap: float = 0.0
    """Share (0..1) of the queries that several annotators label, to measure their agreement."""
    overlap_annotators: int = 2
    """How many annotators label each item of the overlap."""


def label_problems(labels: LabelConfig) -> list[str]:
    """Values and combinations of the section that cannot work, in words."""
    found = []
    if not 0 <= labels.overlap <= 1:
        found.append(f"labels.overlap: {labels.overlap} is not in 0..1")
    if labels.overlap_annotators < 2:
        found.append(f"labels.overlap_annotators: {labels.overlap_annotators} is below 2")
    if not labels.annotator.strip():
        found.append("labels.annotator: empty; name who labels")
    if labels.overlap and labels.source == "oracle":
        found.append("labels.overlap: an oracle agrees with itself; leave it at 0")
    if labels.source == "oracle" and labels.wait != "no":
        found.append(f"labels.wait: {labels.wait} waits for people, but labels.source is oracle")
    if labels.store and "://" not in labels.store:
        found.append(
            f"labels.store: {labels.store!r} is no address such as postgresql://ann@host/labels"
        )
    elif _has_password(labels.store):
        found.append(
            "labels.store: holds a password, which would be copied into every round and MLflow; "
            "leave it out and set PGPASSWORD or ~/.pgpass"
        )
    return found


def _has_password(address: str) -> bool:
    parts = urlsplit(address)
    return parts.password is not None or "password=" in parts.query.lower()
