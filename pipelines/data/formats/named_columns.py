"""Rows of named columns as interactions: what CSV, RecBole's files and Parquet have in common.

A row is a list of cells as text. How they lie in a file is not here.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from pipelines.data.formats.base import BadRow, Chunk, Line, Reading, ReadOptions, collect
from pipelines.data.formats.cells import (
    Remembered,
    exact_action,
    exact_id,
    read_action,
    read_categories,
    read_id,
    read_title,
    read_weight,
    time_reader,
)
from pipelines.data.formats.csv_columns import Positions, action_of, find_columns
from pipelines.storage.interactions import NewInteraction
from pipelines.storage.items import NewItem
from pipelines.storage.tables import UNTIMED


def read_named(
    records: Iterable[tuple[int, Line]],
    split: Callable[[Line], Sequence[str]],
    header: Sequence[str],
    options: ReadOptions,
    *,
    exact: bool = False,
) -> Reading:
    """Interactions, and the titles and categories of their items where there are such columns.

    `split` gives the cells of a record; `exact`: spaces around an id belong to it. Raises
    InvalidInput when the columns cannot be told.
    """
    positions = find_columns(header, options.columns, file=options.file)
    items: dict[str, NewItem] = {}
    parse_cells = _cell_parser(header, positions, options, exact=exact)
    describe_item = _item_parser(positions)

    def parse(record: Line) -> tuple[NewInteraction]:
        cells = split(record)
        if len(cells) != len(header):
            raise BadRow(f"has {len(cells)} columns, the header has {len(header)}")
        row = parse_cells(cells)
        if describe_item is not None:
            items[row.item_id] = describe_item(row.item_id, cells)
        return (row,)

    chunks = _with_items(collect(records, parse, file=options.file), items)
    return Reading(positions.names(header), chunks)


def _cell_parser(
    header: Sequence[str], positions: Positions, options: ReadOptions, *, exact: bool
) -> Callable[[Sequence[str]], NewInteraction]:
    names = positions.names(header)
    an_id, an_action = (exact_id, exact_action) if exact else (read_id, read_action)
    users, items = Remembered(an_id, names["user"]), Remembered(an_id, names["item"])
    actions = Remembered(an_action, names.get("action", ""))
    weights = Remembered(read_weight, names.get("weight", ""))
    action = options.action or action_of(header, positions)
    read_time = time_reader(options.now)
    user_at, item_at, weight_at = positions.user, positions.item, positions.weight
    time_at, action_at = positions.time, positions.action

    def parse(cells: Sequence[str]) -> NewInteraction:
        return NewInteraction(
            users[cells[user_at]],
            items[cells[item_at]],
            action if action_at is None else actions[cells[action_at]],
            1.0 if weight_at is None else weights[cells[weight_at]],
            UNTIMED if time_at is None else read_time(cells[time_at], names["time"]),
        )

    return parse


def _item_parser(positions: Positions) -> Callable[[str, Sequence[str]], NewItem] | None:
    title_at, categories_at = positions.title, positions.categories
    if title_at is None and categories_at is None:
        return None

    def describe(item_id: str, cells: Sequence[str]) -> NewItem:
        return NewItem(
            item_id=item_id,
            title=None if title_at is None else read_title(cells[title_at]),
            categories=None if categories_at is None else read_categories(cells[categories_at]),
            attributes=None,
        )

    return describe


def _with_items(chunks: Iterator[Chunk], items: dict[str, NewItem]) -> Iterator[Chunk]:
    for chunk in chunks:
        yield chunk._replace(items=list(items.values()))
        items.clear()
