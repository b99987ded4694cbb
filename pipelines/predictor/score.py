"""Whether a history is strange, at the alert rate that the caller asks for, and why.

By the network, or before anything is trained by a few simple features.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session
from torch import Tensor

from models.scoring.anomaly import RowScore
from models.scoring.calibration import p_value, p_values, shortage
from models.scoring.labels import MOVED, Cut, Labels, cut_at, with_labels
from models.scoring.robust import FEATURES
from pipelines.predictor.baseline import BASELINE, Baseline, SimpleJudge
from pipelines.predictor.histories import History, check_user, posted_history, stored_history
from pipelines.predictor.predictor import Predictor
from pipelines.storage.interactions import history_of
from pipelines.watch.user_labels import FOUND_USUAL, found_usual, labels_of_users

NO_ARTIFACT = (
    "Nothing is trained yet: this compares a few simple features with those of other users, and "
    "promises nothing. `hourglass train denoising` trains."
)
TRAIN_AGAIN = "The artifact was trained before p-values were kept as they are now: train again."


@dataclass(frozen=True)
class Contribution:
    """What one item of the history, or one feature of it, adds to the score.

    Of an item: what was observed and expected of it, how surprising it is given the others, and
    which share of calibration interactions is at least as surprising.
    """

    item_id: str | None
    feature: str | None
    observed: float
    expected: float
    contribution: float
    surprise: float | None = None
    p_value: float | None = None


@dataclass(frozen=True)
class Anomaly:
    """A score (higher is stranger), what it means, and contributions that sum to it.

    `threshold` is None where too few calibration scores exist for the alert rate; a note says so.
    `strategy` is `model` or `baseline`; `ignored` are ids of the history without influence.
    """

    anomaly_score: float
    p_value: float
    threshold: float | None
    is_anomaly: bool
    alert_rate: float
    contributions: tuple[Contribution, ...]
    n_calibration: int
    ignored: tuple[str, ...]
    notes: tuple[str, ...]
    strategy: str
    artifact_id: str | None
    promised_rate: float | None = None
    """At most that share of usual users is above the threshold; None without one."""


def score_user(
    session: Session,
    predictor: Predictor | None,
    baseline: Baseline,
    *,
    user_id: str,
    alert_rate: float,
) -> Anomaly:
    """Of a stored user. Raises NotFound.

    A user without a usable history scores 0 with a p-value of 1: nothing is known that is strange.
    """
    check_user(session, user_id)
    source = BASELINE if predictor is None else predictor.artifact_id
    labels = labels_of_users(session, source)
    if predictor is None:
        item_ids = history_of(session, user_id=user_id, actions=None, above=0.0)
        answer = _simple(baseline.judge(session), item_ids, alert_rate, labels, stored=True)
    else:
        history = stored_history(session, predictor, user_id)
        answer = _by_network(predictor, history, alert_rate, labels)
    if not found_usual(session, user_id=user_id, source=source, score=answer.anomaly_score):
        return answer
    return replace(answer, is_anomaly=False, notes=(*answer.notes, FOUND_USUAL))


def score_history(
    session: Session,
    predictor: Predictor | None,
    baseline: Baseline,
    *,
    item_ids: Sequence[str],
    alert_rate: float,
) -> Anomaly:
    """Of a history that was sent along: the answer for a stored user who has it."""
    if predictor is None:
        distinct = list(dict.fromkeys(item_ids))
        labels = labels_of_users(session, BASELINE)
        return _simple(baseline.judge(session), distinct, alert_rate, labels, stored=False)
    labels = labels_of_users(session, predictor.artifact_id)
    return _by_network(predictor, posted_history(predictor, item_ids), alert_rate, labels)


def _by_network(
    predictor: Predictor, history: History, alert_rate: float, labels: Labels
) -> Anomaly:
    scored = predictor.score(history.item_nums, history.weights)
    calibration = predictor.calibration.scores
    cut, known = cut_at(alert_rate, calibration, labels), with_labels(calibration, labels)
    return Anomaly(
        anomaly_score=scored.score,
        **_meaning(scored.score, known, cut, empty=not history.item_nums),
        alert_rate=alert_rate,
        contributions=contributions_of(predictor, scored),
        ignored=history.ignored,
        notes=_notes(history, len(calibration), alert_rate, cut),
        strategy="model",
        artifact_id=predictor.artifact_id,
    )


def _simple(
    judge: SimpleJudge, item_ids: Sequence[str], alert_rate: float, labels: Labels, *, stored: bool
) -> Anomaly:
    features = judge.features(item_ids, stored=stored)
    errors = judge.robust.errors(features)[0] if item_ids else features[0] * 0
    score = float(errors.sum())
    columns = (features[0], judge.robust.medians, errors)
    rows = zip(FEATURES, *(column.tolist() for column in columns), strict=True)
    calibration = judge.robust.calibration
    cut, known = cut_at(alert_rate, calibration, labels), with_labels(calibration, labels)
    lacking = shortage(alert_rate, len(calibration))
    notes = (NO_ARTIFACT, *([] if lacking is None else [lacking]), *([MOVED] if cut.moved else []))
    return Anomaly(
        anomaly_score=score,
        **_meaning(score, known, cut, empty=not item_ids),
        alert_rate=alert_rate,
        contributions=tuple(
            sorted((Contribution(None, *row) for row in rows), key=lambda row: -row.contribution)
        ),
        ignored=(),
        notes=notes,
        strategy=BASELINE,
        artifact_id=None,
    )


def _meaning(score: float, known: Tensor, cut: Cut, *, empty: bool) -> dict[str, Any]:
    """What a score means beside known ones; of nothing, nothing is strange."""
    return {
        "p_value": 1.0 if empty else p_value(score, known),
        "threshold": cut.threshold,
        "promised_rate": None if cut.threshold is None else cut.promised_rate,
        "is_anomaly": not empty and cut.threshold is not None and score > cut.threshold,
        "n_calibration": len(known),
    }


def contributions_of(predictor: Predictor, scored: RowScore) -> tuple[Contribution, ...]:
    """What each item adds, most first."""
    p = p_values(scored.surprises, predictor.calibration.surprises)
    columns = (scored.observed, scored.expected, scored.contributions, scored.surprises, p)
    ids = (predictor.vocabulary.item_ids[num] for num in scored.item_nums.tolist())
    rows = zip(ids, *(column.tolist() for column in columns), strict=True)
    found = [Contribution(item_id, None, *figures) for item_id, *figures in rows]
    return tuple(sorted(found, key=lambda row: -row.contribution))


def _notes(history: History, n_calibration: int, alert_rate: float, cut: Cut) -> tuple[str, ...]:
    notes = []
    if not history.item_nums:
        notes.append("The history has no item that the artifact knows.")
    if history.ignored:
        notes.append(f"{len(history.ignored)} items of the history are unknown to the artifact.")
    if not n_calibration:
        notes.append(TRAIN_AGAIN)
    lacking = shortage(alert_rate, n_calibration)
    if lacking is not None and n_calibration:
        notes.append(lacking)
    if cut.moved:
        notes.append(MOVED)
    return tuple(notes)
