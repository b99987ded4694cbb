"""Files that describe items, beside the one with interactions; what is in them: the formats."""

from collections.abc import Callable, Iterable, Iterator

from pipelines.data.formats.base import BadLine, BadRow
from pipelines.data.formats.cells import read_categories, read_id, read_title
from pipelines.storage.items import NewItem


def described_items(
    lines: Iterable[tuple[int, bytes]], parse: Callable[[bytes], NewItem], *, file: str
) -> Iterator[NewItem | BadLine]:
    """The item of each line, or why the line could not be read; blank lines are passed over."""
    for number, line in lines:
        if not line.strip():
            continue
        try:
            yield parse(line)
        except BadRow as error:
            yield BadLine(file, number, str(error))


def described_item(
    item_id: str, title: str, categories: str | None = None, tags: str | None = None
) -> NewItem:
    """An item of what its cells say. Raises BadRow."""
    return NewItem(
        item_id=read_id(item_id, "item id"),
        title=read_title(title),
        categories=None if categories is None else read_categories(categories),
        attributes=None,
        tags=None if tags is None else read_categories(tags),
    )
