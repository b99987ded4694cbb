"""How the columns of a table were distributed when a detector was fitted to it, as a file."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from models.detectors.cells import Table, read_numbers, read_words
from models.detectors.detector import RowDetector
from models.detectors.preparation import RowPreparation
from models.scoring.drift import (
    Categories,
    Floats,
    Reference,
    Words,
    categories_of,
    reference_of,
)

SCORE: Final = "(anomaly score)"
"""The input that is no column."""

References = Mapping[str, Reference | Categories]


def references_of(detector: RowDetector, columns: Table) -> References:
    """Of the rows that a detector was fitted to; of scores, those of the rows held out."""
    kept: dict[str, Reference | Categories] = {SCORE: reference_of(detector.calibration.numpy())}
    words, numbers = inputs_of(detector.preparation, columns)
    kept |= {name: categories_of(column) for name, column in words.items()}
    kept |= {name: reference_of(column) for name, column in numbers.items()}
    return kept


def inputs_of(
    preparation: RowPreparation, columns: Table, rows: Sequence[int] | None = None
) -> tuple[dict[str, Words], dict[str, Floats]]:
    """The columns of words, None where missing, and those of numbers, NaN where missing.

    rows: some of the rows, by number; None: all.
    """
    chosen = slice(None) if rows is None else list(rows)
    words: dict[str, Words] = {}
    numbers: dict[str, Floats] = {}
    for plan in preparation.columns:
        if plan.kind == "categorical":
            column = read_words(columns[plan.name])
            words[plan.name] = column if rows is None else [column[row] for row in rows]
        else:
            numbers[plan.name] = read_numbers(plan.name, columns[plan.name])[0][chosen]
    return words, numbers


def references_json(references: References) -> bytes:
    """As a file; `references_from` reads it back."""
    values: dict[str, Any] = {
        name: {"counts": dict(each.counts)}
        if isinstance(each, Categories)
        else {"kept": each.kept, "missing": each.missing}
        for name, each in references.items()
    }
    return json.dumps(values, ensure_ascii=False).encode()


def references_from(content: bytes) -> References:
    """What `references_json` made a file of."""
    return {
        name: Categories(each["counts"])
        if "counts" in each
        else Reference(tuple(each["kept"]), each["missing"])
        for name, each in json.loads(content).items()
    }
