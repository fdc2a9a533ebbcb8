"""Which items are kept for validation: flags beside the decisions, only ever added like them."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
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


@dataclass(frozen=True, kw_only=True)
class Flag:
    """Whether an item is kept for validation, who said so and when (ISO 8601, UTC)."""

    item: str
    validation: bool
    annotator: str
    decided_at: str


def flag_items(
    store: LabelStore, items: Sequence[str], *, validation: bool, annotator: str
) -> None:
    """Record that items are, or are no longer, kept for validation; durable on return."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    add_flags(
        store,
        [
            Flag(item=item, validation=validation, annotator=annotator, decided_at=now)
            for item in items
        ],
    )


def add_flags(store: LabelStore, flags: Iterable[Flag]) -> None:
    """Append flags as they are; durable on return."""
    rows = [asdict(flag) for flag in flags]
    with store.database.writing() as connection:
        _metadata.create_all(connection)
        if rows:
            connection.execute(insert(_flags), rows)


def flag_history(store: LabelStore) -> list[Flag]:
    """All flags there ever were, in their order."""
    with store.database.writing() as connection:
        _metadata.create_all(connection)
    columns = [_flags.c[name] for name in Flag.__dataclass_fields__]
    with store.database.reading() as connection:
        found = connection.execute(select(*columns).order_by(_flags.c.id))
        return [Flag(**row) for row in found.mappings()]


def flagged_items(store: LabelStore) -> dict[str, bool]:
    """The latest flag of every item that ever had one."""
    return {flag.item: flag.validation for flag in flag_history(store)}


def kept_items(store: LabelStore) -> set[str]:
    """Items that are kept for validation now."""
    return {item for item, flag in flagged_items(store).items() if flag}
