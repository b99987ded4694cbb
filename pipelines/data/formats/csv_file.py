"""Any delimited file with a header line: commas, tabs, semicolons or bars between its columns."""

from collections.abc import Callable, Iterator
from typing import BinaryIO

from pipelines.data.formats.base import (
    BadRow,
    Chunk,
    Format,
    Head,
    ReadOptions,
    collect,
)
from pipelines.data.formats.cells import (
    read_action,
    read_categories,
    read_id,
    read_title,
    read_weight,
    time_reader,
)
from pipelines.data.formats.csv_columns import (
    Positions,
    action_of,
    find_columns,
    has_usual_names,
)
from pipelines.data.formats.csv_items import ITEMS, describe
from pipelines.data.formats.csv_records import numbered_records, split_cells, split_header
from pipelines.storage.interactions import NewInteraction
from pipelines.storage.items import NewItem
from pipelines.storage.tables import UNTIMED


def sniff(head: Head) -> bool:
    """Whether the first line names a column of users and one of items."""
    return has_usual_names(split_header(head.lines[0])[0])


def read(stream: BinaryIO, options: ReadOptions) -> Iterator[Chunk]:
    """Interactions, and the titles and categories of their items where there are such columns."""
    header, delimiter = split_header(options.head.lines[0])
    positions = find_columns(header, options.columns, file=options.file)
    action = options.action or action_of(header, positions)
    records = numbered_records(stream, delimiter=delimiter, n_columns=len(header))
    items: dict[str, NewItem] = {}
    parse_cells = _cell_parser(header, positions, action, options)
    describe_item = _item_parser(positions)

    def parse(record: bytes) -> tuple[NewInteraction]:
        cells = split_cells(record, delimiter)
        if len(cells) != len(header):
            raise BadRow(f"has {len(cells)} columns, the header has {len(header)}")
        row = parse_cells(cells)
        if describe_item is not None:
            items[row.item_id] = describe_item(row.item_id, cells)
        return (row,)

    return _with_items(collect(records, parse, file=options.file), items)


def _cell_parser(
    header: list[str], positions: Positions, action: str, options: ReadOptions
) -> Callable[[list[str]], NewInteraction]:
    names = positions.names(header)
    read_time = time_reader(options.now)
    user_at, item_at, weight_at = positions.user, positions.item, positions.weight
    time_at, action_at = positions.time, positions.action

    def parse(cells: list[str]) -> NewInteraction:
        return NewInteraction(
            read_id(cells[user_at], names["user"]),
            read_id(cells[item_at], names["item"]),
            action if action_at is None else read_action(cells[action_at]),
            1.0 if weight_at is None else read_weight(cells[weight_at], names["weight"]),
            UNTIMED if time_at is None else read_time(cells[time_at], names["time"]),
        )

    return parse


def _item_parser(positions: Positions) -> Callable[[str, list[str]], NewItem] | None:
    title_at, categories_at = positions.title, positions.categories
    if title_at is None and categories_at is None:
        return None

    def describe(item_id: str, cells: list[str]) -> NewItem:
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


CSV = Format(
    name="csv",
    summary="CSV with a header that names a user and an item column, like user_id,item_id; "
    "with items.csv (item_id,title,categories) beside it",
    usual_names=("interactions.csv",),
    sniff=sniff,
    read=read,
    companions=(ITEMS,),
    describe=describe,
)
