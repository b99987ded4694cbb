"""Numbers of what was found and labelled, for whoever watches the watch. Not how they are sent."""

from collections import Counter
from typing import Final

from sqlalchemy.orm import Session

from pipelines.runs.requests import OPEN
from pipelines.storage import labels, runs
from pipelines.storage.watch_tables import ANOMALY_SUBJECTS, LABELS
from pipelines.watch.showing import live_sources

Values = dict[tuple[str, ...], float]
Gauges = dict[str, tuple[str, tuple[str, ...], Values]]
"""Name -> what it says, the names of its labels, and its values by these."""
OF_SUBJECT: Final = ("subject",)


def counted(session: Session) -> Gauges:
    """As the database has them now; what there is none of is 0."""
    found = labels.count_found(session, live=live_sources(session))
    labelled = labels.count_labels(session)
    open_runs = Counter(run.status for run in runs.runs_in(session, statuses=OPEN))
    subjects = ANOMALY_SUBJECTS
    anomalies: Values = {
        (each,): float(found.get((each, True), 0) + found.get((each, False), 0))
        for each in subjects
    }
    alerts: Values = {(each,): float(found.get((each, True), 0)) for each in subjects}
    by_label: Values = {
        (each, label): float(labelled.get((each, label), 0))
        for each in subjects
        for label in LABELS
    }
    runs_open: Values = {(status,): float(open_runs[status]) for status in OPEN}
    return {
        "anomalies": ("Findings that are kept.", OF_SUBJECT, anomalies),
        "alerts_open": (
            "Findings called anomalies, not stale, that nobody labelled.",
            OF_SUBJECT,
            alerts,
        ),
        "labels": ("Findings with a label.", ("subject", "label"), by_label),
        "runs_open": ("Runs that are not over.", ("status",), runs_open),
    }
