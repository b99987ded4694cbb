"""Rows that a detector found strange, kept as findings to be labelled. Not how they score."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from pipelines.storage.anomalies import NewAnomaly, anomaly_id_of, replace_anomalies
from pipelines.watch.found_rows import SUBJECTS
from pipelines.watch.loading import LoadedDetector, hold
from pipelines.watch.scoring import ScoredRow, ScoredRows

KEPT: Final = 200
"""Findings of one keeping, the strangest."""


def keep_rows(
    session: Session, loaded: LoadedDetector, scored: ScoredRows, *, now: datetime
) -> ScoredRows:
    """Put the strangest of the rows in the place of those kept before; what is labelled stays. The
    same rows, with the ids of their findings.

    The same cells are the same finding. Raises Conflict where the detector was deleted, or weighed
    anew, meanwhile.
    """
    hold(session, loaded)
    detector_id = loaded.detector_id or ""
    subject = SUBJECTS[loaded.settings.over]
    strangest = sorted(scored.rows, key=lambda row: -row.anomaly_score)[:KEPT]
    weights = loaded.weights
    replace_anomalies(
        session,
        finder=detector_id,
        subject=subject,
        source=loaded.source,
        found=[_finding(row, weights) for row in strangest],
        run_id=None,
        now=now,
    )
    ids = {id(row): anomaly_id_of(detector_id, subject, _what(row)) for row in strangest}
    rows = tuple(replace(row, anomaly_id=ids.get(id(row))) for row in scored.rows)
    return replace(scored, rows=rows)


def _finding(row: ScoredRow, weights: Mapping[str, float]) -> NewAnomaly:
    return NewAnomaly(
        what=_what(row),
        score=row.anomaly_score,
        p_value=1.0 if row.p_value is None else row.p_value,
        is_anomaly=row.is_anomaly,
        contributions=[
            _storable({**asdict(each), "unweighted": each.contribution / weights[each.column]})
            for each in row.contributions
        ],
        user_id=row.user_id,
        item_id=row.item_id,
        place={"row": row.row} if row.user_id is None and row.item_id is None else None,
    )


def _what(row: ScoredRow) -> tuple[str, ...]:
    """What tells a finding apart: the user or the item, or the cells."""
    if row.user_id is not None or row.item_id is not None:
        return (row.user_id or row.item_id or "",)
    cells = sorted((each.column, str(each.observed)) for each in row.contributions)
    return (hashlib.sha256(json.dumps(cells).encode()).hexdigest(),)


def _storable(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values that JSON can hold: others, a decimal say, as they are written."""
    stored: dict[str, Any] = json.loads(json.dumps(values, default=str))
    return stored
