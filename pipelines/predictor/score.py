"""Whether a user's history is strange, at the alert rate that the caller asks for, and why."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from models.scoring.anomaly import RowScore
from models.scoring.calibration import p_value, shortage, threshold_at
from pipelines.predictor.histories import History, check_user, stored_history
from pipelines.predictor.predictor import Predictor, required

UNATTRIBUTED = "unattributed"
"""The one contribution that stands for all that no item of the history adds."""


@dataclass(frozen=True)
class Contribution:
    """What one item adds to the score, and what was observed and expected of it."""

    item_id: str
    observed: float
    expected: float
    contribution: float


@dataclass(frozen=True)
class Anomaly:
    """A score (higher is stranger), what it means, and contributions that sum to it.

    `threshold` is None where too few calibration scores exist for the alert rate; a note says so.
    """

    anomaly_score: float
    p_value: float
    threshold: float | None
    is_anomaly: bool
    alert_rate: float
    contributions: tuple[Contribution, ...]
    n_calibration: int
    notes: tuple[str, ...]
    artifact_id: str


def score_user(
    session: Session, predictor: Predictor | None, *, user_id: str, alert_rate: float
) -> Anomaly:
    """Of a stored user. Raises NotFound, or NotReady without an artifact.

    A user without a usable history scores 0 with a p-value of 1: nothing is known that is strange.
    """
    network = required(predictor)
    check_user(session, user_id)
    history = stored_history(session, network, user_id)
    return _judge(network, network.score(history.item_nums, history.weights), history, alert_rate)


def _judge(predictor: Predictor, scored: RowScore, history: History, alert_rate: float) -> Anomaly:
    calibration = predictor.calibration
    threshold = threshold_at(alert_rate, calibration)
    empty = not history.item_nums
    return Anomaly(
        anomaly_score=scored.score,
        p_value=1.0 if empty else p_value(scored.score, calibration),
        threshold=threshold,
        is_anomaly=not empty and threshold is not None and scored.score > threshold,
        alert_rate=alert_rate,
        contributions=contributions_of(predictor, scored),
        n_calibration=len(calibration),
        notes=_notes(history, len(calibration), alert_rate),
        artifact_id=predictor.artifact_id,
    )


def contributions_of(predictor: Predictor, scored: RowScore) -> tuple[Contribution, ...]:
    """What each item adds, most first, and what none of them does."""
    columns = (scored.item_nums, scored.observed, scored.expected, scored.contributions)
    rows = [
        Contribution(predictor.vocabulary.item_ids[num], observed, expected, contribution)
        for num, observed, expected, contribution in zip(
            *(column.tolist() for column in columns), strict=True
        )
    ]
    rows.sort(key=lambda row: -row.contribution)
    if scored.rest:
        rows.append(Contribution(UNATTRIBUTED, 0.0, 0.0, scored.rest))
    return tuple(rows)


def _notes(history: History, n_calibration: int, alert_rate: float) -> tuple[str, ...]:
    notes = []
    if not history.item_nums:
        notes.append("The user has no history that the artifact knows.")
    if history.ignored:
        notes.append(f"{len(history.ignored)} items of the history are unknown to the artifact.")
    lacking = shortage(alert_rate, n_calibration)
    if lacking is not None:
        notes.append(lacking)
    return tuple(notes)
