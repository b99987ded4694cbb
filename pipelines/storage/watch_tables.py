"""The SQL tables of what the watch finds. Those of everything else are in `tables.py`."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import JSON, CheckConstraint, Double, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from pipelines.storage.tables import Base, ExternalId, Item, Key, NullableJson, User, UtcTime

METADATA: Final = Base.metadata
"""Of all tables, those of `tables.py` too: what migrations are compared with."""

ANOMALY_SUBJECTS: Final = ("user", "item", "interaction", "image", "group", "row", "window")
"""What can be strange."""
LABELS: Final = ("right", "false-alarm")
"""What a person says of a finding."""


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
