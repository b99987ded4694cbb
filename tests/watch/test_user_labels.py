"""Labels of users, as who is judged later heeds them: only by scores of one source."""

from datetime import datetime

import pytest
from sqlalchemy import Engine

from pipelines.storage.anomalies import WATCH, NewAnomaly, anomaly_id_of, replace_anomalies
from pipelines.storage.engine import reading, writing
from pipelines.storage.labels import set_label
from pipelines.storage.users import put_user
from pipelines.storage.watch_tables import FALSE_ALARM
from pipelines.watch.user_labels import found_usual, labels_of_users


def look(engine: Engine, source: str, score: float, now: datetime) -> None:
    found = [NewAnomaly(("u1",), score, 0.1, True, user_id="u1")]
    with writing(engine) as session:
        put_user(session, user_id="u1", attributes={}, now=now)
        replace_anomalies(
            session, finder=WATCH, subject="user", source=source, found=found, run_id=None, now=now
        )


def is_usual(engine: Engine, source: str, score: float) -> bool:
    with reading(engine) as session:
        return found_usual(session, user_id="u1", source=source, score=score)


def false_alarms(engine: Engine, source: str) -> list[float]:
    with reading(engine) as session:
        scores: list[float] = labels_of_users(session, source).false_alarms.tolist()
        return scores


@pytest.fixture
def labelled(engine: Engine, now: datetime) -> Engine:
    """A user whom `a1` gave 5.0, and somebody found usual then."""
    look(engine, "a1", 5.0, now)
    with writing(engine) as session:
        anomaly_id = anomaly_id_of(WATCH, "user", ("u1",))
        set_label(session, anomaly_id=anomaly_id, label=FALSE_ALARM, note=None, now=now)
    return engine


def test_who_is_no_stranger_than_then_is_usual(labelled: Engine) -> None:
    assert is_usual(labelled, "a1", 5.0)
    assert not is_usual(labelled, "a1", 5.1)


def test_scores_of_another_artifact_say_nothing(labelled: Engine, now: datetime) -> None:
    assert not is_usual(labelled, "a2", 0.1)
    assert false_alarms(labelled, "a2") == []
    look(labelled, "a2", 0.5, now)
    assert is_usual(labelled, "a2", 0.5)
    assert not is_usual(labelled, "a2", 5.0)
    look(labelled, "a3", 9.0, now)
    assert is_usual(labelled, "a1", 5.0)
    assert not is_usual(labelled, "a1", 9.0)
    assert not is_usual(labelled, "a2", 0.5)
    assert (false_alarms(labelled, "a1"), false_alarms(labelled, "a3")) == ([5.0], [9.0])
