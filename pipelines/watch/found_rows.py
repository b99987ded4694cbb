"""What a detector found, read back as its present weights judge it. Not how it is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from sqlalchemy.orm import Session
from torch import Tensor

from models.scoring.labels import Labels
from pipelines.storage import labels as storage
from pipelines.storage.watch_tables import RIGHT
from pipelines.watch.loading import LoadedDetector

SUBJECTS: Final = {
    "table": "row",
    "users": "user",
    "items": "item",
    "images": "image",
    "series": "window",
    "sequences": "window",
}
"""What a finding of a detector is about, by what the detector is over."""


@dataclass(frozen=True)
class FoundRows:
    """Findings in the order of their ids: columns (n, n_columns + 1), as `RowDetector.columns` has
    it, their scores (n,) by the present weights, and their labels.
    """

    columns: Tensor
    scores: Tensor
    labels: tuple[str | None, ...]

    def labelled(self) -> tuple[Tensor, Tensor]:
        """Those that have a label, and which of these are right: (m, n_columns + 1), bool (m,)."""
        nums = [num for num, label in enumerate(self.labels) if label is not None]
        right = [self.labels[num] == RIGHT for num in nums]
        return self.columns[nums], torch.tensor(right, dtype=torch.bool)


def found_rows(session: Session, loaded: LoadedDetector, *, labelled: bool = False) -> FoundRows:
    """What a detector found and that is kept: all, or what has a label."""
    rows = storage.found_by(
        session,
        finder=loaded.detector_id or "",
        subject=SUBJECTS[loaded.settings.over],
        labelled=labelled,
    )
    names = list(loaded.weights)
    added = [{each["column"]: each["unweighted"] for each in row.contributions} for row in rows]
    values = [[each.get(name, 0.0) for name in names] for each in added]
    columns = torch.tensor(values, dtype=torch.float64).reshape(len(rows), len(names))
    scores = (columns * loaded.detector.column_weights).sum(dim=1)
    return FoundRows(columns, scores, tuple(row.label for row in rows))


def labels_of_detector(session: Session, loaded: LoadedDetector) -> Labels:
    """The labelled scores of what a detector found, by its present weights."""
    found = found_rows(session, loaded, labelled=True)
    pairs = zip(found.scores.tolist(), found.labels, strict=True)
    return labels_from([(score, label) for score, label in pairs if label is not None])


def labels_from(pairs: Sequence[tuple[float, str]]) -> Labels:
    """Labels from scores, each with what was said of it."""
    right = [score for score, label in pairs if label == RIGHT]
    false = [score for score, label in pairs if label != RIGHT]
    return Labels(
        torch.tensor(right, dtype=torch.float64), torch.tensor(false, dtype=torch.float64)
    )
