"""Labels of users, read by whoever judges one. Not how they are given."""

from typing import Final

from sqlalchemy.orm import Session

from models.scoring.calibration import SAME
from models.scoring.labels import Labels
from pipelines.storage import labels as storage
from pipelines.storage.anomalies import WATCH, anomaly_id_of, get_anomaly
from pipelines.watch.found_rows import labels_from

FALSE_ALARM: Final = "false-alarm"
FOUND_USUAL: Final = "Somebody looked at this user and found it a false alarm."


def labels_of_users(session: Session, artifact_id: str) -> Labels:
    """The labelled scores of users by one artifact."""
    rows = storage.labelled_scores(session, finder=WATCH, subject="user", source=artifact_id)
    return labels_from([(row.score, row.label) for row in rows])


def found_usual(session: Session, *, user_id: str, source: str, score: float) -> bool:
    """Whether somebody found the user usual who was at least as strange then."""
    anomaly = get_anomaly(session, anomaly_id=anomaly_id_of(WATCH, "user", (user_id,)))
    if anomaly is None or anomaly.label != FALSE_ALARM:
        return False
    then = anomaly.score if anomaly.labelled_source != source else anomaly.labelled_score
    return then is not None and score <= then + SAME * abs(then)
