"""`items.csv` beside a CSV file of interactions: titles, categories and tags of items."""

from collections.abc import Iterator, Sequence
from importlib.resources.abc import Traversable

from pipelines.data.formats.base import BadLine, BadRow, read_head
from pipelines.data.formats.csv_columns import usual_position
from pipelines.data.formats.csv_records import numbered_records, split_cells, split_header
from pipelines.data.formats.item_files import described_item, described_items
from pipelines.storage.items import NewItem

ITEMS = "items.csv"


def describe(companions: Sequence[Traversable]) -> Iterator[NewItem | BadLine]:
    """An item of each row; a file whose header names no item column is one bad line."""
    header, delimiter = split_header(read_head(companions[0]).lines[0])
    item_at = usual_position(header, "item")
    title_at = usual_position(header, "title")
    categories_at = usual_position(header, "categories")
    tags_at = usual_position(header, "tags")

    def parse(record: bytes) -> NewItem:
        cells = split_cells(record, delimiter)
        if len(cells) != len(header):
            raise BadRow(f"has {len(cells)} columns, the header has {len(header)}")
        title = "" if title_at is None else cells[title_at]
        categories = None if categories_at is None else cells[categories_at]
        tags = None if tags_at is None else cells[tags_at]
        return described_item(cells[item_at or 0], title, categories, tags)

    if item_at is None:
        yield BadLine(ITEMS, 1, "names no column of item ids, like item_id")
        return
    with companions[0].open("rb") as stream:
        records = numbered_records(stream, delimiter=delimiter, n_columns=len(header))
        yield from described_items(records, parse, file=ITEMS)
