"""What the findings of the last look at a subject are compared with. Not the findings."""

import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipelines.storage.bulk import insert_into
from pipelines.storage.watch_tables import Look


@dataclass(frozen=True)
class StoredLook:
    """What scores came of, and with which they are compared: those of usual examples, or, `among`,
    of all that was looked at.
    """

    source: str
    among: bool
    scores: Sequence[float]


def put_look(session: Session, *, finder: str, subject: str, look: StoredLook) -> None:
    """Put this look in the place of the finder's last one at the subject."""
    scores = _little_endian(array("d", sorted(look.scores))).tobytes()
    values = {"source": look.source, "among": look.among, "scores": scores}
    insert = insert_into(session, Look).values(finder=finder, subject=subject, **values)
    keys = [Look.finder, Look.subject]
    session.execute(insert.on_conflict_do_update(index_elements=keys, set_=values))


def last_look(session: Session, *, finder: str, subject: str) -> StoredLook | None:
    """The last look; its scores from the lowest up. None: nobody looked."""
    query = select(Look.source, Look.among, Look.scores).where(
        Look.finder == finder, Look.subject == subject
    )
    row = session.execute(query).one_or_none()
    if row is None:
        return None
    return StoredLook(row.source, row.among, _little_endian(array("d", row.scores)))


def _little_endian(values: "array[float]") -> "array[float]":
    if sys.byteorder == "big":
        values.byteswap()
    return values
