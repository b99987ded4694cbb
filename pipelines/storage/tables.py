"""The SQL tables. Not neural networks, and no queries: those are one file a table beside this one.

External ids (`user_id`, ...) are strings that callers know; keys (`user_key`, ...) are integers
that never leave SQL. Changing a table means a new file in `migrations/versions`.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    TypeDecorator,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
UNTIMED: Final = EPOCH
"""`occurred_at` of an interaction whose time nobody knows."""

RUN_STATUSES: Final = ("queued", "running", "finished", "failed", "cancelled")
ARTIFACT_STATUSES: Final = ("candidate", "active", "rejected", "retired")
INTERACTIONS: Final = "interactions"
IMAGES: Final = "images"
SUBJECTS: Final = (INTERACTIONS, IMAGES)
"""What an artifact is about: of each, one may be active."""

_MICROSECOND: Final = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970-01-01T00:00:00Z. Raises ValueError for a naive datetime."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone; times here are aware UTC datetimes")
    return (moment - EPOCH) // _MICROSECOND


def moment_of(microseconds: int) -> datetime:
    """The moment so many microseconds after 1970-01-01T00:00:00Z."""
    return EPOCH + microseconds * _MICROSECOND


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC datetime, kept as microseconds since the epoch: the same on both databases."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Raises ValueError for a naive datetime."""
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """The exact moment that was stored."""
        return None if value is None else moment_of(value)


# SQLite numbers rows by itself only where the type is spelled INTEGER.
Key = BigInteger().with_variant(Integer(), "sqlite")
# Ids sort by code point on both databases, whatever the locale of a PostgreSQL server.
ExternalId = String(256).with_variant(String(256, collation="C"), "postgresql")
NullableJson = JSON(none_as_null=True)


class Base(DeclarativeBase):
    """Parent of all tables; its metadata is what migrations are compared with."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )


class User(Base):
    """Someone, or something, that interacts with items."""

    __tablename__ = "users"

    user_key: Mapped[int] = mapped_column(Key, primary_key=True)
    user_id: Mapped[str] = mapped_column(ExternalId, unique=True)
    attributes: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    updated_at: Mapped[datetime] = mapped_column(UtcTime)


class Item(Base):
    """Something that can be recommended; a hidden one is kept but never recommended."""

    __tablename__ = "items"
    __table_args__ = (Index(None, "updated_at"),)

    item_key: Mapped[int] = mapped_column(Key, primary_key=True)
    item_id: Mapped[str] = mapped_column(ExternalId, unique=True)
    title: Mapped[str | None] = mapped_column(Text)
    categories: Mapped[list[str]] = mapped_column(JSON)
    tags: Mapped[list[str]] = mapped_column(JSON, server_default=text("'[]'"))
    attributes: Mapped[dict[str, Any]] = mapped_column(JSON)
    image_digest: Mapped[str | None] = mapped_column(String(64))
    """sha256 of the content of its image; None: it has none."""
    hidden: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    updated_at: Mapped[datetime] = mapped_column(UtcTime)


class ItemImage(Base):
    """The picture of an item, as it was checked and kept. Its digest stands with the item."""

    __tablename__ = "item_images"
    __table_args__ = (Index(None, "stored_at"),)

    item_key: Mapped[int] = mapped_column(
        Key, ForeignKey(Item.item_key, ondelete="CASCADE"), primary_key=True
    )
    width: Mapped[int]
    height: Mapped[int]
    channels: Mapped[int]
    """1: grey; 3: colour."""
    stored_at: Mapped[datetime] = mapped_column(UtcTime)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    """A PNG file."""


class Interaction(Base):
    """A user did something with an item, once per action and moment."""

    __tablename__ = "interactions"
    __table_args__ = (
        Index(None, "item_key"),
        {"sqlite_with_rowid": False},
    )

    user_key: Mapped[int] = mapped_column(
        Key, ForeignKey(User.user_key, ondelete="CASCADE"), primary_key=True
    )
    item_key: Mapped[int] = mapped_column(
        Key, ForeignKey(Item.item_key, ondelete="CASCADE"), primary_key=True
    )
    action: Mapped[str] = mapped_column(String(64), primary_key=True)
    occurred_at: Mapped[datetime] = mapped_column(UtcTime, primary_key=True)
    weight: Mapped[float] = mapped_column(Double)


class Run(Base):
    """One execution of training, from the moment it is asked for."""

    __tablename__ = "runs"
    __table_args__ = (CheckConstraint(f"status IN {RUN_STATUSES}", name="status"),)

    run_key: Mapped[int] = mapped_column(Key, primary_key=True)
    run_id: Mapped[str] = mapped_column(ExternalId, unique=True)
    config: Mapped[str] = mapped_column(String(256))
    settings: Mapped[dict[str, Any]] = mapped_column(JSON)
    status: Mapped[str] = mapped_column(String(16))
    process: Mapped[str | None] = mapped_column(Text)
    """Who carries it out from end to end, and dies with it; None: a worker, which does not."""
    phase: Mapped[str | None] = mapped_column(String(64))
    progress: Mapped[dict[str, Any] | None] = mapped_column(NullableJson)
    metrics: Mapped[dict[str, Any] | None] = mapped_column(NullableJson)
    verdict: Mapped[dict[str, Any] | None] = mapped_column(NullableJson)
    error: Mapped[str | None] = mapped_column(Text)
    artifact_id: Mapped[str | None] = mapped_column(ExternalId)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcTime)


class Artifact(Base):
    """What a run left in the store; at most one of a subject is active, and answers requests."""

    __tablename__ = "artifacts"
    __table_args__ = (
        CheckConstraint(f"status IN {ARTIFACT_STATUSES}", name="status"),
        CheckConstraint(f"subject IN {SUBJECTS}", name="subject"),
        Index(
            "uq_artifacts_active",
            "subject",
            unique=True,
            sqlite_where=text("status = 'active'"),
            postgresql_where=text("status = 'active'"),
        ),
    )

    artifact_key: Mapped[int] = mapped_column(Key, primary_key=True)
    artifact_id: Mapped[str] = mapped_column(ExternalId, unique=True)
    subject: Mapped[str] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(64))
    config: Mapped[str] = mapped_column(String(256))
    status: Mapped[str] = mapped_column(String(16))
    manifest: Mapped[dict[str, Any]] = mapped_column(JSON)
    run_id: Mapped[str | None] = mapped_column(ExternalId)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    promoted_at: Mapped[datetime | None] = mapped_column(UtcTime)


class Embedding(Base):
    """Where an artifact puts an item: in its decoder space, or by its image in the code space."""

    __tablename__ = "embeddings"
    __table_args__ = (Index(None, "item_key"),)

    artifact_key: Mapped[int] = mapped_column(
        Key, ForeignKey(Artifact.artifact_key, ondelete="CASCADE"), primary_key=True
    )
    item_key: Mapped[int] = mapped_column(
        Key, ForeignKey(Item.item_key, ondelete="CASCADE"), primary_key=True
    )
    vector: Mapped[bytes] = mapped_column(LargeBinary)
    """Little-endian float32."""
    bias: Mapped[float | None]
    """The item's: its logit is the dot product of a user and the vector, plus this. NULL: unknown,
    promoted before it was stored.
    """


class Import(Base):
    """A file that was imported, known by the digest of its bytes."""

    __tablename__ = "imports"

    import_key: Mapped[int] = mapped_column(Key, primary_key=True)
    source: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    new: Mapped[int] = mapped_column(BigInteger)
    repeated: Mapped[int] = mapped_column(BigInteger)
    replaced: Mapped[int] = mapped_column(BigInteger)
    bad: Mapped[int] = mapped_column(BigInteger)
    imported_at: Mapped[datetime] = mapped_column(UtcTime)


class Schedule(Base):
    """When runs of a config are asked for: by the clock, after so many new interactions, or when
    inputs have drifted.
    """

    __tablename__ = "schedules"
    __table_args__ = (
        CheckConstraint(
            "(CASE WHEN cron IS NULL THEN 0 ELSE 1 END)"
            " + (CASE WHEN after_interactions IS NULL THEN 0 ELSE 1 END)"
            " + (CASE WHEN on_drift THEN 1 ELSE 0 END) = 1",
            name="one_trigger",
        ),
    )

    schedule_key: Mapped[int] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(ExternalId, unique=True)
    config: Mapped[str] = mapped_column(String(256))
    cron: Mapped[str | None] = mapped_column(String(256))
    timezone: Mapped[str | None] = mapped_column(String(64))
    after_interactions: Mapped[int | None] = mapped_column(BigInteger)
    on_drift: Mapped[bool] = mapped_column(default=False)
    paused: Mapped[bool]
    due_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """When it fires next by the clock."""
    counted: Mapped[int | None] = mapped_column(BigInteger)
    """How many interactions there were when it last fired, or was set."""
    fired_at: Mapped[datetime | None] = mapped_column(UtcTime)
    run_id: Mapped[str | None] = mapped_column(ExternalId)
    """Of the run that it asked for last."""
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    updated_at: Mapped[datetime] = mapped_column(UtcTime)
