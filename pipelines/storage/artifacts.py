"""Artifacts: which there are and which one of each subject is active.

Not their files: `pipelines/registry`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, select, update
from sqlalchemy.orm import Session

from pipelines.storage.bulk import insert_into
from pipelines.storage.tables import IMAGES, INTERACTIONS, Artifact, Embedding, Run


def add_artifact(
    session: Session,
    *,
    artifact_id: str,
    kind: str,
    config: str,
    manifest: Mapping[str, Any],
    run_id: str | None,
    now: datetime,
    subject: str = INTERACTIONS,
) -> bool:
    """Add a candidate; False, and nothing changed, when the id is there already."""
    row = {
        "artifact_id": artifact_id,
        "subject": subject,
        "kind": kind,
        "config": config,
        "status": "candidate",
        "manifest": manifest,
        "run_id": run_id,
        "created_at": now,
    }
    statement = insert_into(session, Artifact).values(row).on_conflict_do_nothing()
    return session.execute(statement.returning(Artifact.artifact_key)).first() is not None


def get_artifact(session: Session, *, artifact_id: str) -> Artifact | None:
    """The artifact, or None."""
    return session.scalar(select(Artifact).where(Artifact.artifact_id == artifact_id))


def list_artifacts(session: Session, *, limit: int, after: str | None) -> list[Artifact]:
    """Up to `limit` artifacts, newest first; after: the id that the previous page ended with."""
    query = select(Artifact).order_by(Artifact.artifact_key.desc()).limit(limit)
    if after is not None:
        position = select(Artifact.artifact_key).where(Artifact.artifact_id == after)
        query = query.where(Artifact.artifact_key < position.scalar_subquery())
    return list(session.scalars(query))


def active_artifact(session: Session, *, subject: str = INTERACTIONS) -> Artifact | None:
    """The one of this subject that answers requests, or None."""
    return session.scalar(select(Artifact).where(_is_active(subject)))


def active_artifact_id(session: Session, *, subject: str = INTERACTIONS) -> str | None:
    """The id of the one that answers requests, or None; reads nothing else of it."""
    return session.scalar(select(Artifact.artifact_id).where(_is_active(subject)))


def last_trained_id(session: Session, *, subject: str = INTERACTIONS) -> str | None:
    """The artifact of the training that was over last, whatever became of it; None: none was."""
    trained = select(Artifact.artifact_id).join(Run, Run.artifact_id == Artifact.artifact_id)
    query = trained.where(Artifact.subject == subject, Run.status == "finished")
    return session.scalar(query.order_by(Run.finished_at.desc(), Run.run_key.desc()).limit(1))


def _is_active(subject: str) -> ColumnElement[bool]:
    return (Artifact.subject == subject) & (Artifact.status == "active")


def image_artifact_ids(session: Session) -> list[str]:
    """Whose embeddings of images are read: the active artifact's about images, and those of the one
    that the content tower of the active artifact about interactions was fitted to.
    """
    active, tower = active_artifact_id(session, subject=IMAGES), session.scalar(_of_tower())
    return list(dict.fromkeys(each for each in (active, tower) if each is not None))


def _of_tower() -> Select[str]:
    of_tower = Artifact.manifest["content"]["image_artifact_id"].as_string()
    return select(of_tower).where(_is_active(INTERACTIONS))


def lock_promotions(session: Session, *, subject: str = INTERACTIONS) -> str | None:
    """The id of the active artifact; until this transaction ends nobody else promotes."""
    # The lock makes two promotions take turns on PostgreSQL; on SQLite all writers do. All subjects
    # share it: an artifact about interactions may read the embeddings of one about images.
    query = select(Artifact.artifact_id, Artifact.subject, Artifact.status)
    locked = query.order_by(Artifact.artifact_key).with_for_update(key_share=True)
    found = [row.artifact_id for row in session.execute(locked) if row[1:] == (subject, "active")]
    return found[0] if found else None


def previous_artifact(session: Session, *, subject: str = INTERACTIONS) -> Artifact | None:
    """The one that was active before the active one, or None.

    It is the retired one that was promoted last; who rolls back marks what he rolls back from
    as rejected, so that the next time leads further back.
    """
    retired = select(Artifact).where(Artifact.subject == subject, Artifact.status == "retired")
    return session.scalar(retired.order_by(Artifact.promoted_at.desc()).limit(1))


def set_status(session: Session, *, artifact_id: str, status: str) -> bool:
    """Set the status; False when there is no such artifact. To activate: `promote_artifact`."""
    statement = update(Artifact).where(Artifact.artifact_id == artifact_id).values(status=status)
    return session.scalar(statement.returning(Artifact.artifact_key)) is not None


def promote_artifact(session: Session, *, artifact_id: str, now: datetime) -> bool:
    """Make this the active artifact of its subject; False, and nothing changed, when there is none
    of that id.

    The one active so far is retired. Embeddings of others of the subject go, and those of images
    that only the retired one's content tower read. Promoting the active one again changes nothing.
    """
    chosen = get_artifact(session, artifact_id=artifact_id)
    if chosen is None:
        return False
    lock_promotions(session, subject=chosen.subject)
    session.refresh(chosen)
    if chosen.status == "active":
        return True
    read_before = image_artifact_ids(session)
    active = active_artifact(session, subject=chosen.subject)
    if active is not None:
        active.status = "retired"
        session.flush()
    chosen.status = "active"
    chosen.promoted_at = now
    session.flush()
    of_subject = Artifact.subject == chosen.subject
    _forget_unread(session, of_subject | Artifact.artifact_id.in_(read_before))
    return True


def forget_unless_read(session: Session, *, artifact_id: str) -> None:
    """Delete the embeddings of an artifact that is not to go live now, unless they are read."""
    lock_promotions(session)
    _forget_unread(session, Artifact.artifact_id == artifact_id)


def _forget_unread(session: Session, which: ColumnElement[bool]) -> None:
    read = Artifact.artifact_id.in_(image_artifact_ids(session)) | (Artifact.status == "active")
    unread = select(Artifact.artifact_key).where(which, ~read)
    session.execute(delete(Embedding).where(Embedding.artifact_key.in_(unread)))
