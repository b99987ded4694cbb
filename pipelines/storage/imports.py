"""Imports: the files that were imported, so that importing one again is seen and skipped."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.storage.bulk import insert_into
from pipelines.storage.tables import Import


def find_import(session: Session, *, digest: str) -> Import | None:
    """The import of the file with this sha256 (hexadecimal), or None."""
    return session.scalar(select(Import).where(Import.digest == digest))


def add_import(
    session: Session,
    *,
    source: str,
    digest: str,
    new: int,
    repeated: int,
    replaced: int,
    bad: int,
    now: datetime,
) -> bool:
    """Note that a file was imported; False, and nothing changed, when it is known already."""
    row = {
        "source": source,
        "digest": digest,
        "new": new,
        "repeated": repeated,
        "replaced": replaced,
        "bad": bad,
        "imported_at": now,
    }
    statement = insert_into(session, Import).values(row).on_conflict_do_nothing()
    return session.execute(statement.returning(Import.import_key)).first() is not None
