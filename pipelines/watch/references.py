"""How the columns of a table were distributed when a detector was fitted to it, as a file."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from models.detectors.cells import Table, read_numbers, read_words
from models.detectors.told import Detector
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


def references_of(detector: Detector, columns: Table) -> References:
    """Of the rows that a detector was fitted to; of scores, those of the rows held out."""
    kept: dict[str, Reference | Categories] = {SCORE: reference_of(detector.calibration.numpy())}
    words, numbers = inputs_of(detector, columns)
    kept |= {name: categories_of(column) for name, column in words.items()}
    kept |= {name: reference_of(column) for name, column in numbers.items()}
    return kept


def inputs_of(
    detector: Detector, columns: Table, rows: Sequence[int] | None = None
) -> tuple[dict[str, Words], dict[str, Floats]]:
    """The columns of words, None where missing, and those of numbers, NaN where missing.

    rows: some of the rows, by number; None: all.
    """
    chosen = slice(None) if rows is None else list(rows)
    words: dict[str, Words] = {}
    numbers: dict[str, Floats] = {}
    takes, shown = detector.takes, detector.shown(columns)
    for name in detector.column_names:
        if takes.get(name) == "categorical":
            column = read_words(shown[name])
            words[name] = column if rows is None else [column[row] for row in rows]
        else:
            numbers[name] = read_numbers(name, shown[name])[0][chosen]
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
