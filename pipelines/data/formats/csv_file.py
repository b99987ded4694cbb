"""Any delimited file with a header line: commas, tabs, semicolons or bars between its columns."""

from functools import partial
from typing import IO

from pipelines.data.formats.base import Format, Head, Reading, ReadOptions
from pipelines.data.formats.csv_columns import has_usual_names
from pipelines.data.formats.csv_items import ITEMS, describe
from pipelines.data.formats.csv_records import numbered_records, split_cells, split_header
from pipelines.data.formats.named_columns import read_named


def sniff(head: Head) -> bool:
    """Whether the first line names a column of users and one of items."""
    return has_usual_names(split_header(head.lines[0])[0])


def read(stream: IO[bytes], options: ReadOptions) -> Reading:
    """Interactions, and the titles and categories of their items where there are such columns."""
    header, delimiter = split_header(options.head.lines[0])
    records = numbered_records(stream, delimiter=delimiter, n_columns=len(header))
    split = partial(split_cells, delimiter=delimiter)
    return read_named(records, split, header, options)


CSV = Format(
    name="csv",
    summary="CSV with a header that names a user and an item column, like user_id,item_id; "
    "with items.csv (item_id,title,categories) beside it",
    usual_names=("interactions.csv",),
    sniff=sniff,
    read=read,
    companions=(ITEMS,),
    describe=describe,
    takes_columns=True,
)
