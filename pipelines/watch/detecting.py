"""One file judged at once, without a server: fitted to itself or another, scored, written down.

What is kept and served to others is fitted by a worker: `fit_steps.py`.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from models.scoring.labels import NO_LABELS, Labels
from pipelines.registry.store import Store
from pipelines.storage.engine import reading
from pipelines.training.progress import OnProgress, Progress
from pipelines.watch.fitting import fit_table
from pipelines.watch.found_rows import labels_of_detector
from pipelines.watch.loading import LoadedDetector, load_detector
from pipelines.watch.row_table import RowTable
from pipelines.watch.scoring import Rule, ScoredRows, score_rows
from pipelines.watch.settings import DetectorSettings

OWN_ROWS: Final = (
    "The detector was fitted to these very rows: their p-values rank them, and promise nothing."
)
COLUMNS: Final = ("row", "line", "anomaly_score", "p_value", "is_anomaly", "problem")
"""Of a file of scores."""


@dataclass(frozen=True)
class Judge:
    """A detector, and the labels of what it found."""

    loaded: LoadedDetector
    labels: Labels = NO_LABELS


def fitted_to(table: RowTable, settings: DetectorSettings, *, on_progress: OnProgress) -> Judge:
    """A detector fitted here and now, that is kept nowhere. Raises InvalidInput."""

    def tell(what: str, done: int, total: int) -> None:
        on_progress(Progress(f"fitting: {what}", done, total))

    fitted = fit_table(table, settings, on_step=tell)
    return Judge(LoadedDetector(None, settings, fitted.facts, fitted.detector))


def stored_judge(engine: Engine, store: Store, detector_id: str) -> Judge:
    """One that the service has. Raises what loading a detector raises."""
    loaded = load_detector(engine, store, detector_id)
    with reading(engine) as session:
        return Judge(loaded, labels_of_detector(session, loaded))


def detect(judge: Judge, table: RowTable, rule: Rule, *, n: int, own: bool) -> ScoredRows:
    """All rows of a table, the strangest first; the first n are told with reasons.

    own: the detector was fitted to them. Raises InvalidInput where the columns are others.
    """
    scored = score_rows(
        judge.loaded, table, rule, strangest=len(table), explained=n, labels=judge.labels
    )
    return replace(scored, notes=(*scored.notes, OWN_ROWS)) if own else scored


def write_scores(path: Path, scored: ScoredRows, table: RowTable) -> None:
    """Write a CSV file with a line for each row of the table, in their order; bad ones too.

    It is there whole, or not at all.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_cells(scored, table))
    Store(str(path.absolute().parent)).write(path.name, text.getvalue().encode())


def _cells(scored: ScoredRows, table: RowTable) -> Iterator[tuple[object, ...]]:
    told: dict[int, tuple[object, ...]] = {
        each.row: ("", "", "", each.detail) for each in reversed(scored.problems)
    }
    for row in scored.rows:
        p_value = "" if row.p_value is None else row.p_value
        told[row.row] = (row.anomaly_score, p_value, str(row.is_anomaly).lower(), "")
    for number in sorted(told):
        yield number, table.lines.get(number, ""), *told[number]
