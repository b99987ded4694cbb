"""What every list takes: how long a page and where it begins."""

from service.schemas.fields import Cursor, PageSize, Query


class PageQuery(Query):
    """A page of a list."""

    limit: PageSize = 50
    cursor: Cursor | None = None
