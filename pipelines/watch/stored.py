"""What is stored as the table that a detector is over. Not how each kind of table is read."""

from collections.abc import Sequence

import torch
from sqlalchemy.orm import Session

from pipelines.watch.row_table import RowTable
from pipelines.watch.settings import DetectorSettings
from pipelines.watch.stored_rows import MAX_FITTED, drawn, stored_table
from pipelines.watch.stored_sequences import drawn_sequences, stored_sequences


def what_is_stored(
    session: Session, settings: DetectorSettings, *, ids: Sequence[str] | None = None
) -> RowTable:
    """The rows of these ids, or of all. Ids of which nothing is stored are problems. Raises
    NotReady where nothing is stored at all.
    """
    if settings.over == "sequences":
        return stored_sequences(session, ids, least=settings.window)
    return stored_table(session, settings.over, ids=ids)


def drawn_to_fit(table: RowTable, settings: DetectorSettings) -> RowTable:
    """As many rows of all that is stored as a detector is fitted to, drawn with its seed."""
    generator = torch.Generator().manual_seed(settings.seed)
    if settings.over == "sequences":
        return drawn_sequences(table, MAX_FITTED, generator=generator)
    return drawn(table, settings.over, generator=generator)
