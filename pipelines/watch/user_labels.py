"""Labels of users, read by whoever judges one. Not how they are given."""

from typing import Final

from sqlalchemy.orm import Session

from models.scoring.calibration import SAME
from models.scoring.labels import Labels
from pipelines.storage import labels as storage
from pipelines.storage.anomalies import WATCH, anomaly_id_of, get_anomaly
from pipelines.storage.watch_tables import FALSE_ALARM
from pipelines.watch.found_rows import labels_from

FOUND_USUAL: Final = "Somebody looked at this user and found it a false alarm."


def labels_of_users(session: Session, artifact_id: str) -> Labels:
    """The labelled scores of users by one artifact."""
    return labels_of(session, subject="user", source=artifact_id)


def labels_of(session: Session, *, subject: str, source: str) -> Labels:
    """The labelled scores of what the watch found of a subject by one source."""
    rows = storage.labelled_scores(session, finder=WATCH, subject=subject, source=source)
    return labels_from([(row.score, row.label) for row in rows])


def found_usual(session: Session, *, user_id: str, source: str, score: float) -> bool:
    """Whether somebody found the user usual who was at least as strange then, by that source: what
    another made of it says nothing.
    """
    anomaly = get_anomaly(session, anomaly_id=anomaly_id_of(WATCH, "user", (user_id,)))
    if anomaly is None or anomaly.label != FALSE_ALARM:
        return False
    then = storage.score_by(
        source, anomaly.labelled_source, anomaly.labelled_score, anomaly.source, anomaly.score
    )
    return then is not None and score <= then + SAME * abs(then)
