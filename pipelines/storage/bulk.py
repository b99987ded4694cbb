"""Statements about many rows, in the few forms that differ between SQLite and PostgreSQL.

Knows no table's meaning; the files of the tables call it.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any, Final, NamedTuple

from sqlalchemy import JSON, ClauseElement, ColumnElement, Select, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute, Session

from pipelines.storage.tables import Base

_MANY_ROWS: Final = 10_000
_PARAMETER_GRANTS: Final = (15,)
"""The version of PostgreSQL since which a role can be asked for, and given, such a right."""
_MAY_SKIP_CHECKS: Final = "SELECT has_parameter_privilege('session_replication_role', 'SET')"


def dialect_of(session: Session) -> str:
    """`sqlite` or `postgresql`."""
    return session.get_bind().dialect.name


class Stored(NamedTuple):
    """What became of the rows of one call; the three add up to their number."""

    new: int
    repeated: int
    """As stored already, or overtaken by a later row of the call."""
    replaced: int
    """Under a known key with something else, which holds from now on."""


def insert_into(session: Session, table: type[Base]) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that can say what to do about rows that are there already."""
    return sqlite.insert(table) if dialect_of(session) == "sqlite" else postgresql.insert(table)


def take_turns(session: Session, what: str) -> None:
    """Wait until nobody else who calls this of the same is in a transaction; on SQLite all writers
    wait for each other anyway.
    """
    if dialect_of(session) == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(what, 0))))


def values_of(session: Session, values: Collection[str]) -> Select[tuple[str]]:
    """The strings as one column named `value`, in one parameter however many there are.

    As JSON, also for PostgreSQL: its driver takes many times as long to write an array.
    """
    sent = literal(list(values), JSON)
    sqlite_ = dialect_of(session) == "sqlite"
    rows = func.json_each(sent) if sqlite_ else func.json_array_elements_text(sent)
    return select(rows.table_valued("value").c.value)


def add_missing(
    session: Session,
    table: type[Base],
    id_column: InstrumentedAttribute[str],
    ids: Collection[str],
    others: Mapping[str, ColumnElement[Any]],
) -> None:
    """Add a row for each id that has none, with `others` in its other columns.

    In sorted order, so that two writers who add the same ids wait for each other instead of
    blocking each other.
    """
    value = values_of(session, sorted(ids)).subquery().c.value
    known = select(id_column).where(id_column == value).exists()
    rows = select(value, *others.values()).where(~known)
    statement = insert_into(session, table).from_select([id_column.key, *others], rows)
    session.execute(statement.on_conflict_do_nothing())


def driver_rows(
    session: Session, query: ClauseElement, *, chunk_rows: int
) -> Iterator[list[tuple[Any, ...]]]:
    """The result in chunks of plain tuples as the driver gives them. Memory: one chunk.

    For results of millions of rows: SQLAlchemy's own rows take three times as long. Column types
    that convert values (`UtcTime`, JSON) do not do so here.
    """
    connection = session.connection()
    compiled: Any = query.compile(connection, compile_kwargs={"render_postcompile": True})
    parameters = compiled.params
    # PostgreSQL: a cursor with a name stays on the server, and numbers need not become text.
    options: dict[str, Any] = {"name": "driver_rows", "binary": True}
    if dialect_of(session) == "sqlite":
        parameters = tuple(parameters[name] for name in compiled.positiontup)
        options = {}
    with closing(connection.connection.cursor(**options)) as cursor:
        cursor.execute(str(compiled), parameters)
        while chunk := cursor.fetchmany(chunk_rows):
            yield list(chunk)


@contextmanager
def foreign_keys_known(session: Session, *, n_rows: int) -> Iterator[None]:
    """Skip PostgreSQL's checks of foreign keys while many rows are inserted, where that is allowed.

    For a caller who holds a lock on every row that is referred to: it would be checked, one row
    at a time, that they are there, which takes longer than all the rest. A superuser may do this,
    and a role after GRANT SET ON PARAMETER session_replication_role; for others all stays as it is.
    """
    connection = session.connection()
    version = connection.dialect.server_version_info or ()
    many = n_rows >= _MANY_ROWS
    allowed = many and dialect_of(session) == "postgresql" and version >= _PARAMETER_GRANTS
    if not allowed or not connection.exec_driver_sql(_MAY_SKIP_CHECKS).scalar():
        yield
        return
    connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
    yield
    connection.exec_driver_sql("SET LOCAL session_replication_role = DEFAULT")
