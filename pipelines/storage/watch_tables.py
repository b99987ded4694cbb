"""The SQL tables of what the watch finds, and with what. All others are in `tables.py`."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
)
from sqlalchemy.orm import Mapped, mapped_column

from pipelines.storage.tables import Base, ExternalId, Item, Key, NullableJson, User, UtcTime

METADATA: Final = Base.metadata
"""Of all tables, those of `tables.py` too: what migrations are compared with."""

ANOMALY_SUBJECTS: Final = ("user", "item", "interaction", "image", "group", "row", "window")
"""What can be strange."""
RIGHT: Final = "right"
FALSE_ALARM: Final = "false-alarm"
LABELS: Final = (RIGHT, FALSE_ALARM)
"""What a person says of a finding."""
DRIFT_STATUSES: Final = ("unknown", "none", "drifted")
OVER: Final = ("table", "users", "items", "images", "series", "sequences")
"""What the rows are that a detector learns from."""


class Anomaly(Base):
    """Something strange that was found, until its finder looks again; what has a label stays."""

    __tablename__ = "anomalies"
    __table_args__ = (
        CheckConstraint(f"subject IN {ANOMALY_SUBJECTS}", name="subject"),
        CheckConstraint(f"label IS NULL OR label IN {LABELS}", name="label"),
        Index(None, "p_value", "score", "anomaly_id"),
        Index(None, "finder", "subject"),
        Index(None, "user_key"),
        Index(None, "item_key"),
    )

    anomaly_key: Mapped[int] = mapped_column(Key, primary_key=True)
    anomaly_id: Mapped[str] = mapped_column(ExternalId, unique=True)
    """Made of finder, subject and what is strange, so that it is the same when found again."""
    finder: Mapped[str] = mapped_column(ExternalId)
    """Who looks for it: `watch`, or the id of a detector."""
    subject: Mapped[str] = mapped_column(String(16))
    source: Mapped[str] = mapped_column(ExternalId)
    """What the score came of: the id of an artifact or a detector, or `baseline`, `groups`."""
    user_key: Mapped[int | None] = mapped_column(Key, ForeignKey(User.user_key, ondelete="CASCADE"))
    item_key: Mapped[int | None] = mapped_column(Key, ForeignKey(Item.item_key, ondelete="CASCADE"))
    place: Mapped[dict[str, Any] | None] = mapped_column(NullableJson)
    """What a user and an item do not say: the members of a group, a stretch of time, a row."""
    score: Mapped[float] = mapped_column(Double)
    p_value: Mapped[float] = mapped_column(Double)
    is_anomaly: Mapped[bool]
    """By the rule of the run that found it."""
    contributions: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    run_id: Mapped[str | None] = mapped_column(ExternalId)
    found_at: Mapped[datetime] = mapped_column(UtcTime)
    label: Mapped[str | None] = mapped_column(String(16))
    labelled_at: Mapped[datetime | None] = mapped_column(UtcTime)
    note: Mapped[str | None] = mapped_column(Text)
    """Of who labelled it."""
    labelled_score: Mapped[float | None] = mapped_column(Double)
    labelled_source: Mapped[str | None] = mapped_column(ExternalId)
    """The score and its source that the label was given to: a later look may find others."""


class Drift(Base):
    """The last report of one who looks: whether inputs are distributed as in training."""

    __tablename__ = "drifts"
    __table_args__ = (CheckConstraint(f"status IN {DRIFT_STATUSES}", name="status"),)

    drift_key: Mapped[int] = mapped_column(Key, primary_key=True)
    finder: Mapped[str] = mapped_column(ExternalId, unique=True)
    """`watch`, or the id of a detector."""
    source: Mapped[str | None] = mapped_column(ExternalId)
    """The artifact or detector whose training is compared with; NULL: there was none."""
    status: Mapped[str] = mapped_column(String(16))
    inputs: Mapped[dict[str, Any]] = mapped_column(JSON)
    """What was found of each input, by its name."""
    run_id: Mapped[str | None] = mapped_column(ExternalId)
    measured_at: Mapped[datetime] = mapped_column(UtcTime)


class Look(Base):
    """What the findings of a finder's last look at a subject are compared with."""

    __tablename__ = "looks"

    finder: Mapped[str] = mapped_column(ExternalId, primary_key=True)
    subject: Mapped[str] = mapped_column(String(16), primary_key=True)
    source: Mapped[str] = mapped_column(ExternalId)
    """As that of findings."""
    among: Mapped[bool]
    """Whether those are the scores of all that was looked at: nothing was known to be usual."""
    scores: Mapped[bytes] = mapped_column(LargeBinary)
    """Doubles, little-endian, from the lowest up."""


class Detector(Base):
    """What tells strange rows from others, from the moment it is asked for."""

    __tablename__ = "detectors"
    __table_args__ = (CheckConstraint(f"over IN {OVER}", name="over"),)

    detector_key: Mapped[int] = mapped_column(Key, primary_key=True)
    detector_id: Mapped[str] = mapped_column(ExternalId, unique=True)
    over: Mapped[str] = mapped_column(String(16))
    settings: Mapped[dict[str, Any]] = mapped_column(JSON)
    manifest: Mapped[dict[str, Any] | None] = mapped_column(NullableJson)
    """What was learned from, and the checksums of its files; NULL: it is not fitted yet."""
    run_id: Mapped[str] = mapped_column(ExternalId)
    """Of the run that fits it, or did."""
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    fitted_at: Mapped[datetime | None] = mapped_column(UtcTime)


class DetectorWeights(Base):
    """What the columns of a detector count since labels spoke; without a row, what they did."""

    __tablename__ = "detector_weights"

    detector_key: Mapped[int] = mapped_column(
        Key, ForeignKey(Detector.detector_key, ondelete="CASCADE"), primary_key=True
    )
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    """From 1 on; the highest counts."""
    weights: Mapped[dict[str, float]] = mapped_column(JSON)
    """By the names of columns, and of what none of them adds."""
    figures: Mapped[dict[str, Any]] = mapped_column(JSON)
    run_id: Mapped[str] = mapped_column(ExternalId)
    made_at: Mapped[datetime] = mapped_column(UtcTime)


class DetectorTable(Base):
    """The rows that a detector is to be fitted to, until it is."""

    __tablename__ = "detector_tables"

    detector_key: Mapped[int] = mapped_column(
        Key, ForeignKey(Detector.detector_key, ondelete="CASCADE"), primary_key=True
    )
    content: Mapped[bytes] = mapped_column(LargeBinary)
    """As `pipelines/watch/row_table.py` packs it."""
