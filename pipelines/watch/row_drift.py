"""Whether rows have drifted from those that a detector was fitted to, column by column."""

from datetime import datetime

from sqlalchemy import Engine

from models.scoring.drift import Floats, Words, compare
from pipelines.storage.drifts import put_drift
from pipelines.storage.engine import writing
from pipelines.watch.drift_reports import Report, report_of, status_of, told
from pipelines.watch.loading import LoadedDetector, hold
from pipelines.watch.references import SCORE, inputs_of
from pipelines.watch.row_table import RowTable
from pipelines.watch.scoring import with_its_columns
from pipelines.watch.settings import refusals


def report_drift(
    engine: Engine, loaded: LoadedDetector, table: RowTable, *, now: datetime
) -> Report:
    """Compare the usable rows of a table with those of training, and keep the report; it is unknown
    for a detector that was fitted before that was kept.

    Raises InvalidInput where the columns are not the detector's, Conflict where it was deleted, or
    weighed anew, meanwhile.
    """
    detector_id, detector = loaded.detector_id or "", loaded.detector
    table = with_its_columns(loaded, table)
    with refusals():
        scored = detector.score(table.columns)
    words, numbers = inputs_of(detector, table.columns, scored.rows.tolist())
    now_there: dict[str, Words | Floats] = {**words, **numbers}
    now_there[SCORE] = scored.scores.numpy()
    compared = compare(loaded.references or {}, now_there)
    with writing(engine) as session:
        hold(session, loaded)
        put_drift(
            session,
            finder=detector_id,
            source=detector_id,
            status=status_of(compared),
            inputs=told(compared),
            run_id=None,
            now=now,
        )
        return report_of(session, detector_id)
