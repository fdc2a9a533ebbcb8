"""Tables of the label store in any SQL database, and how an older file becomes a newer one."""

from typing import TYPE_CHECKING

from sqlalchemy import (
    REAL,
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    Double,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    func,
    insert,
    inspect,
    select,
    text,
)

from classification.errors import FieldmarkError
from classification.labelling.decisions import VERDICTS

if TYPE_CHECKING:
    from collections.abc import Sequence

VERSION = 2
"""1 was a table of single labels without a record of its version."""

metadata = MetaData()

decisions = Table(
    "decisions",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("item", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("label", Text),
    Column("present", Text),  # JSON list of class names; null unless the verdict is marks
    Column("absent", Text),
    Column("annotator", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("shown_at", Text),
    Column("decided_at", Text, nullable=False),
    CheckConstraint(f"verdict IN ({', '.join(repr(v) for v in VERDICTS)})", name="known_verdict"),
    CheckConstraint("(verdict = 'label') = (label IS NOT NULL)", name="label_has_name"),
    CheckConstraint(
        "(verdict = 'marks') = (present IS NOT NULL AND absent IS NOT NULL)",
        name="marks_have_names",
    ),
    sqlite_strict=True,
)
Index("decisions_of_item", decisions.c.item)  # the id follows by itself

# Files whose labels were taken in: each is read once, however often it is found.
imports = Table(
    "imports",
    metadata,
    Column("key", Text, primary_key=True),  # SHA-256, and how it was read
    Column("name", Text, nullable=False),
    Column("imported_at", Text, nullable=False),
    sqlite_strict=True,
)

# Who is looking at what now; no decision, so the only table whose rows come and go.
leases = Table(
    "leases",
    metadata,
    Column("item", Text, primary_key=True),
    Column("annotator", Text, primary_key=True),
    Column(
        "expires_at", Double().with_variant(REAL, "sqlite"), nullable=False
    ),  # seconds since 1970
    sqlite_strict=True,
)

_version = Table(
    "label_store", metadata, Column("version", Integer, nullable=False), sqlite_strict=True
)

_APPEND_ONLY = ("decisions", "imports")
_REFUSAL = "the label store is append-only"


def prepare(connection: Connection) -> None:
    """Create the tables, or bring those of an older version up to date; inside a transaction.

    Raises:
        FieldmarkError: the store was written by a newer version.
    """
    there = set(inspect(connection).get_table_names())
    if _version.name in there:
        found = connection.scalar(select(_version.c.version))
        if found != VERSION:
            raise FieldmarkError(
                f"the label store has version {found}, this program knows {VERSION}; update it"
            )
        return
    if decisions.name in there:
        _set_version_1_aside(connection)
    metadata.create_all(connection)
    if decisions.name in there:
        _copy_version_1(connection)
    for statement in _guards(connection.dialect.name):
        connection.execute(text(statement))
    connection.execute(insert(_version).values(version=VERSION))


def _set_version_1_aside(connection: Connection) -> None:
    """Version 1 was SQLite only; its CHECK cannot be changed, so the table is made anew."""
    for statement in (
        "DROP TRIGGER no_update",
        "DROP TRIGGER no_delete",
        "DROP INDEX decisions_of_item",
        "ALTER TABLE decisions RENAME TO decisions_1",
    ):
        connection.execute(text(statement))


def _copy_version_1(connection: Connection) -> None:
    columns = "id, item, verdict, label, annotator, source, round, shown_at, decided_at"
    connection.execute(text(f"INSERT INTO decisions ({columns}) SELECT {columns} FROM decisions_1"))
    before = connection.scalar(text("SELECT count(*) FROM decisions_1"))
    after = connection.scalar(select(func.count()).select_from(decisions))
    if before != after:  # the transaction is rolled back and the old table stays
        raise FieldmarkError(
            f"the label store holds {before} decisions, {after} could be taken over"
        )
    connection.execute(text("DROP TABLE decisions_1"))


def _guards(dialect: str) -> "Sequence[str]":
    """Triggers by which the database itself refuses to change the past.

    Other databases than these two rely on `LabelStore`, which only ever inserts.
    """
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {table}_no_{change} BEFORE {change} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
            for table in _APPEND_ONLY
            for change in ("UPDATE", "DELETE")
        ]
    if dialect == "postgresql":
        return [
            "CREATE FUNCTION label_store_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$",
            *(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
                f"ON {table} FOR EACH STATEMENT EXECUTE FUNCTION label_store_refuse()"
                for table in _APPEND_ONLY
            ),
        ]
    return []
