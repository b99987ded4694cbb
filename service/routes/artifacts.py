"""Artifacts: listed, read, promoted, rolled back."""

from typing import Any

from apiflask import APIBlueprint

from pipelines.registry.registry import promote_by_id, roll_back
from pipelines.registry.store import Store
from pipelines.storage import artifacts as storage
from pipelines.storage.tables import Artifact
from service.context import context
from service.lookup import found
from service.pagination import decode_cursor, page
from service.schemas.artifacts import (
    ArtifactAnswer,
    ArtifactDetail,
    ArtifactsAnswer,
    RollbackQuery,
)
from service.schemas.pages import PageQuery

bp = APIBlueprint("artifacts", __name__, url_prefix="/v1/artifacts", tag="Artifacts")

CONFLICT = "Another promotion was made meanwhile, or there is nothing to go back to"


def _read(artifact_id: str) -> Artifact:
    with context().reading() as session:
        row = storage.get_artifact(session, artifact_id=artifact_id)
    return found(row, "artifact", artifact_id)


@bp.get("")
@bp.input(PageQuery, location="query", arg_name="query")
@bp.output(ArtifactsAnswer)
def list_artifacts(query: PageQuery) -> dict[str, Any]:
    """List artifacts

    Newest first.
    """
    after = decode_cursor("artifacts", query.cursor, size=1)
    with context().reading() as session:
        rows = storage.list_artifacts(
            session, limit=query.limit + 1, after=after[0] if after else None
        )
    artifacts, following = page(
        rows, kind="artifacts", limit=query.limit, position=lambda row: [row.artifact_id]
    )
    return {"artifacts": artifacts, "next_cursor": following}


@bp.get("/<artifact_id>")
@bp.output(ArtifactDetail)
def get_artifact(artifact_id: str) -> Artifact:
    """Read an artifact

    With its manifest: options, data, figures and checksums.
    """
    return _read(artifact_id)


@bp.post("/<artifact_id>/promote")
@bp.output(ArtifactAnswer)
@bp.doc(responses={409: CONFLICT})
def promote(artifact_id: str) -> Artifact:
    """Make an artifact live

    Whatever the gate said of it. Its checksums are verified first; every process answers with it
    within seconds.
    """
    parts = context()
    promote_by_id(parts.engine, Store(parts.settings.store_url), artifact_id)
    return _read(artifact_id)


@bp.post("/rollback")
@bp.input(RollbackQuery, location="query", arg_name="query")
@bp.output(ArtifactAnswer)
@bp.doc(responses={409: CONFLICT})
def rollback(query: RollbackQuery) -> Artifact:
    """Make the artifact live that was so before

    The one left counts as rejected, so that doing this twice leads further back.
    """
    parts = context()
    store = Store(parts.settings.store_url)
    return _read(roll_back(parts.engine, store, subject=query.subject))
