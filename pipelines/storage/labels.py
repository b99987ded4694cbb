"""Labels of findings: given, taken back, and read as scores. Not where a threshold is."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, false, func, or_, select, update
from sqlalchemy.orm import Session

from pipelines.storage.watch_tables import FALSE_ALARM, Anomaly


@dataclass(frozen=True)
class LabelledScore:
    """The score of a finding that has a label, and that label."""

    score: float
    label: str


@dataclass(frozen=True)
class Found:
    """What columns add to the score of a finding, and its label, if it has one."""

    contributions: list[dict[str, Any]]
    label: str | None


def set_label(
    session: Session, *, anomaly_id: str, label: str | None, note: str | None, now: datetime
) -> None:
    """Give a finding a label, with the score and source that it has now; None takes it away. For
    a caller of `hold_findings`.
    """
    given = label is not None
    session.execute(
        update(Anomaly)
        .where(Anomaly.anomaly_id == anomaly_id)
        .values(
            label=label,
            note=note,
            labelled_at=now if given else None,
            labelled_score=Anomaly.score if given else None,
            labelled_source=Anomaly.source if given else None,
        )
        .execution_options(synchronize_session=False)
    )
    session.expire_all()


def labelled_scores(
    session: Session, *, finder: str, subject: str, source: str
) -> list[LabelledScore]:
    """Of the findings with a label, in the order of their ids: the scores that they were labelled
    with, or where that was by another source, that they were found with since.
    """
    labelled = (
        select(
            Anomaly.labelled_source,
            Anomaly.labelled_score,
            Anomaly.source,
            Anomaly.score,
            Anomaly.label,
        )
        .where(Anomaly.finder == finder, Anomaly.subject == subject, Anomaly.label.is_not(None))
        .order_by(Anomaly.anomaly_id)
    )
    found = []
    for then, score_then, now, score_now, label in session.execute(labelled):
        score = score_by(source, then, score_then, now, score_now)
        if score is not None and label is not None:
            found.append(LabelledScore(score, label))
    return found


def score_by(
    wanted: str, source_then: str | None, score_then: float | None, source: str, score: float
) -> float | None:
    """The score that the wanted source gave to what has a label: the one that it was labelled
    with, or else the one that it was found with since. None: that source gave it none.
    """
    if source_then == wanted:
        return score_then
    return score if source == wanted else None


def found_scores(session: Session, *, finder: str, subject: str, source: str) -> list[float]:
    """The scores of all findings of one source."""
    query = select(Anomaly.score).where(
        Anomaly.finder == finder, Anomaly.subject == subject, Anomaly.source == source
    )
    return list(session.scalars(query.order_by(Anomaly.anomaly_id)))


def set_alarms(
    session: Session,
    *,
    finder: str,
    subject: str,
    source: str,
    threshold: float | None,
    same: float,
) -> None:
    """Call those findings of a source anomalies that are above the threshold; None: not one.

    Nor is a false alarm, unless it is stranger than it was when that was said, by more than `same`
    of its score then.
    """
    above = false() if threshold is None else Anomaly.score > threshold
    then = case((Anomaly.labelled_source == source, Anomaly.labelled_score), else_=Anomaly.score)
    stranger = Anomaly.score > then + same * func.abs(then)
    label = func.coalesce(Anomaly.label, "")
    session.execute(
        update(Anomaly)
        .where(Anomaly.finder == finder, Anomaly.subject == subject, Anomaly.source == source)
        .values(is_anomaly=and_(above, or_(label != FALSE_ALARM, stranger)))
        .execution_options(synchronize_session=False)
    )


def last_run_id(session: Session, *, finder: str, subject: str, source: str) -> str | None:
    """The run that found something last of a subject by a source; None: no run did."""
    query = select(Anomaly.run_id).where(
        Anomaly.finder == finder, Anomaly.subject == subject, Anomaly.source == source
    )
    return session.scalar(query.order_by(Anomaly.found_at.desc()).limit(1))


def found_by(session: Session, *, finder: str, subject: str, labelled: bool = False) -> list[Found]:
    """The findings of a finder about a subject, in the order of their ids: all, or those that have
    a label.
    """
    query = select(Anomaly.contributions, Anomaly.label).where(
        Anomaly.finder == finder, Anomaly.subject == subject
    )
    if labelled:
        query = query.where(Anomaly.label.is_not(None))
    return [Found(*row) for row in session.execute(query.order_by(Anomaly.anomaly_id))]


def count_labels(session: Session) -> dict[tuple[str, str], int]:
    """How many findings have each label, by subject and label."""
    query = select(Anomaly.subject, Anomaly.label, func.count()).where(Anomaly.label.is_not(None))
    rows = session.execute(query.group_by(Anomaly.subject, Anomaly.label)).all()
    return {(subject, label): count for subject, label, count in rows if label is not None}


def count_found(session: Session, *, live: Collection[str]) -> dict[tuple[str, bool], int]:
    """How many findings there are, by subject and whether they are called anomalies by a source
    that is live and have no label: open alerts.
    """
    called = Anomaly.is_anomaly.is_(True) & Anomaly.source.in_(live)
    is_open = called & Anomaly.label.is_(None)
    query = select(Anomaly.subject, is_open, func.count()).group_by(Anomaly.subject, is_open)
    return {(subject, bool(alert)): count for subject, alert, count in session.execute(query)}
