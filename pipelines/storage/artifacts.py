"""Artifacts: which there are and which one is active. Not their files: `pipelines/registry`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from pipelines.storage.bulk import insert_into
from pipelines.storage.tables import Artifact, Embedding


def add_artifact(
    session: Session,
    *,
    artifact_id: str,
    kind: str,
    config: str,
    manifest: Mapping[str, Any],
    run_id: str | None,
    now: datetime,
) -> bool:
    """Add a candidate; False, and nothing changed, when the id is there already."""
    row = {
        "artifact_id": artifact_id,
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


def active_artifact(session: Session) -> Artifact | None:
    """The one that answers requests, or None."""
    return session.scalar(select(Artifact).where(Artifact.status == "active"))


def set_status(session: Session, *, artifact_id: str, status: str) -> bool:
    """Set the status; False when there is no such artifact. To activate: `promote_artifact`."""
    statement = update(Artifact).where(Artifact.artifact_id == artifact_id).values(status=status)
    return session.scalar(statement.returning(Artifact.artifact_key)) is not None


def promote_artifact(session: Session, *, artifact_id: str, now: datetime) -> bool:
    """Make this the active artifact; False, and nothing changed, when there is none of that id.

    The one active so far is retired and its embeddings are deleted. Promoting the active one again
    changes nothing.
    """
    # The lock makes two promotions take turns on PostgreSQL; on SQLite all writers do.
    query = select(Artifact).order_by(Artifact.artifact_key).with_for_update()
    artifacts = {artifact.artifact_id: artifact for artifact in session.scalars(query)}
    chosen = artifacts.get(artifact_id)
    if chosen is None:
        return False
    if chosen.status == "active":
        return True
    for artifact in artifacts.values():
        if artifact.status == "active":
            _retire(session, artifact)
    chosen.status = "active"
    chosen.promoted_at = now
    session.flush()
    return True


def _retire(session: Session, artifact: Artifact) -> None:
    session.execute(delete(Embedding).where(Embedding.artifact_key == artifact.artifact_key))
    artifact.status = "retired"
    session.flush()
