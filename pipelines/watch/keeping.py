"""Rows and stretches that a detector found strange, kept as findings to be labelled. Not how they
score.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from models.detectors.explanation import Contribution
from pipelines.storage.anomalies import NewAnomaly, anomaly_id_of, replace_anomalies
from pipelines.watch.found_rows import SUBJECTS
from pipelines.watch.found_stretches import FoundStretch
from pipelines.watch.loading import LoadedDetector, hold
from pipelines.watch.scoring import ScoredRow, ScoredRows

KEPT: Final = 200
"""Findings of one keeping, the strangest."""
PLACE: Final = ("start", "end", "started_at", "ended_at", "series")
"""What tells where a stretch is."""


def keep_rows(
    session: Session, loaded: LoadedDetector, scored: ScoredRows, *, now: datetime
) -> ScoredRows:
    """Put the strangest of the rows, or stretches of them, in the place of those kept before; what
    is labelled stays. The same rows and stretches, with the ids of their findings.

    The same cells are the same finding. Raises Conflict where the detector was deleted, or weighed
    anew, meanwhile.
    """
    hold(session, loaded)
    weights = loaded.weights
    if scored.stretches is None:
        strangest = sorted(scored.rows, key=lambda row: -row.anomaly_score)[:KEPT]
        ids = _keep(session, loaded, [_finding(row, weights) for row in strangest], now)
        by_row = dict(zip(map(id, strangest), ids, strict=True))
        rows = tuple(replace(row, anomaly_id=by_row.get(id(row))) for row in scored.rows)
        return replace(scored, rows=rows)
    kept = scored.stretches[:KEPT]
    found = [_found_stretch(each, loaded.detector.column_names, weights) for each in kept]
    ids = _keep(session, loaded, found, now)
    with_ids = [replace(each, anomaly_id=one) for each, one in zip(kept, ids, strict=True)]
    return replace(scored, stretches=(*with_ids, *scored.stretches[KEPT:]))


def _keep(
    session: Session, loaded: LoadedDetector, found: list[NewAnomaly], now: datetime
) -> list[str]:
    """Their ids."""
    detector_id, subject = loaded.detector_id or "", SUBJECTS[loaded.settings.over]
    replace_anomalies(
        session,
        finder=detector_id,
        subject=subject,
        source=loaded.source,
        found=found,
        run_id=None,
        now=now,
    )
    return [anomaly_id_of(detector_id, subject, each.what) for each in found]


def _found_stretch(
    stretch: FoundStretch, columns: Sequence[str], weights: Mapping[str, float]
) -> NewAnomaly:
    """A finding of a stretch. Of what a user did it is told apart by when that was strangest: its
    cells change with what others do, its ends with the threshold, which labels move. Of a series,
    by its place and the cells of its strangest row.
    """
    place = {name: getattr(stretch, name) for name in PLACE}
    if stretch.user_id is not None:
        what = [stretch.user_id, str(stretch.strangest_at)]
    else:
        cells = {each.column: str(each.observed) for each in stretch.contributions}
        what = [*map(str, place.values()), *(cells[name] for name in columns)]
    return NewAnomaly(
        what=(_digest(what),),
        score=stretch.score,
        p_value=stretch.p_value,
        is_anomaly=True,
        contributions=_shares(stretch.contributions, weights),
        user_id=stretch.user_id,
        item_id=None,
        place=_storable(place),
    )


def _finding(row: ScoredRow, weights: Mapping[str, float]) -> NewAnomaly:
    return NewAnomaly(
        what=_what(row),
        score=row.anomaly_score,
        p_value=1.0 if row.p_value is None else row.p_value,
        is_anomaly=row.is_anomaly,
        contributions=_shares(row.contributions, weights),
        user_id=row.user_id,
        item_id=row.item_id,
        place={"row": row.row} if row.user_id is None and row.item_id is None else None,
    )


def _what(row: ScoredRow) -> tuple[str, ...]:
    """What tells a finding apart: the user or the item, or the cells."""
    if row.user_id is not None or row.item_id is not None:
        return (row.user_id or row.item_id or "",)
    return (_digest(sorted((each.column, str(each.observed)) for each in row.contributions)),)


def _digest(cells: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()


def _shares(
    contributions: Sequence[Contribution], weights: Mapping[str, float]
) -> list[dict[str, Any]]:
    return [
        _storable({**asdict(each), "unweighted": each.contribution / weights[each.column]})
        for each in contributions
    ]


def _storable(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values that JSON can hold: others, a decimal say, as they are written."""
    stored: dict[str, Any] = json.loads(json.dumps(values, default=str))
    return stored
