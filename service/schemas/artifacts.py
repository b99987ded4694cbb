"""Artifacts as they are answered."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from service.schemas.fields import Answer, NextCursor, Query

Subject = Literal["interactions", "images"]


class ArtifactAnswer(Answer):
    """An artifact."""

    artifact_id: str
    subject: Annotated[Subject, Field(description="What it is about: one of each may be active.")]
    kind: str
    config: str
    status: Literal["candidate", "active", "rejected", "retired"]
    run_id: str | None
    created_at: datetime
    promoted_at: datetime | None


class ArtifactDetail(ArtifactAnswer):
    """An artifact with all that is known of it."""

    manifest: dict[str, Any] = Field(description="Its options, data, figures and checksums.")


class RollbackQuery(Query):
    """Of which subject."""

    subject: Subject = "interactions"


class ArtifactsAnswer(Answer):
    """A page of artifacts, newest first."""

    artifacts: list[ArtifactAnswer]
    next_cursor: NextCursor
