"""Which items are kept for validation: flags beside the decisions, only ever added like them."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import BigInteger, Boolean, Column, Integer, MetaData, Table, Text, insert, select

from classification.labelling.store import LabelStore

_metadata = MetaData()
_flags = Table(
    "validation_flags",
    _metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("item", Text, nullable=False),
    Column("validation", Boolean, nullable=False),
    Column("annotator", Text, nullable=False),
    Column("decided_at", Text, nullable=False),
)


def flag_items(
    store: LabelStore, items: Sequence[str], *, validation: bool, annotator: str
) -> None:
    """Record that items are, or are no longer, kept for validation; durable on return."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    fixed = {"validation": validation, "annotator": annotator, "decided_at": now}
    with store.database.writing() as connection:
        _metadata.create_all(connection)
        if items:
            connection.execute(insert(_flags), [{"item": item, **fixed} for item in items])


def flagged_items(store: LabelStore) -> dict[str, bool]:
    """The latest flag of every item that ever had one."""
    with store.database.writing() as connection:
        _metadata.create_all(connection)
    query = select(_flags.c.item, _flags.c.validation).order_by(_flags.c.id)
    with store.database.reading() as connection:
        return {item: bool(flag) for item, flag in connection.execute(query)}
