"""Tab-separated interactions without a quoting rule: what u.data and user_artists.dat share."""

from collections.abc import Callable
from datetime import datetime

from pipelines.data.formats.base import BadRow, ReadOptions
from pipelines.data.formats.cells import read_id, read_text, read_weight, time_reader
from pipelines.storage.interactions import NewInteraction
from pipelines.storage.tables import UNTIMED


def row_parser(
    names: tuple[str, ...], options: ReadOptions, *, action: str
) -> Callable[[bytes], tuple[NewInteraction]]:
    """A parser of lines `user item weight [time]`; `names` are what a reason calls the columns."""
    read_time = time_reader(options.now)
    action = options.action or action

    def parse(line: bytes) -> tuple[NewInteraction]:
        cells = read_text(line).split("\t")
        if len(cells) != len(names):
            raise BadRow(f"has {len(cells)} columns, needed are {len(names)}: {', '.join(names)}")
        when: datetime = UNTIMED if len(cells) == 3 else read_time(cells[3], names[3])
        user_id, item_id = read_id(cells[0], names[0]), read_id(cells[1], names[1])
        return (NewInteraction(user_id, item_id, action, read_weight(cells[2], names[2]), when),)

    return parse


def looks_numeric(line: str, n_columns: int) -> bool:
    """Whether a line is `n_columns` numbers with tabs between them."""
    cells = line.split("\t")
    return len(cells) == n_columns and all(cell.replace(".", "", 1).isdigit() for cell in cells)
