"""Items: listed, read, written, removed."""

from datetime import UTC, datetime
from typing import Any

from apiflask import APIBlueprint
from flask import Response

from pipelines.storage import items as storage
from pipelines.storage.tables import Item
from service.context import context
from service.lookup import found, removed
from service.pagination import decode_cursor, page
from service.schemas.items import ItemAnswer, ItemBody, ItemChanges, ItemsAnswer
from service.schemas.pages import PageQuery

bp = APIBlueprint("items", __name__, url_prefix="/v1/items", tag="Items")

EXAMPLE = {
    "title": "Song 4",
    "categories": ["folk"],
    "tags": ["live", "acoustic guitar"],
    "attributes": {"year": 1971},
}


@bp.get("")
@bp.input(PageQuery, location="query", arg_name="query")
@bp.output(ItemsAnswer)
def list_items(query: PageQuery) -> dict[str, Any]:
    """List items

    All of them, hidden ones too, in the order of their ids.
    """
    after = decode_cursor("items", query.cursor, size=1)
    with context().reading() as session:
        rows = storage.list_items(session, limit=query.limit + 1, after=after[0] if after else None)
    items, following = page(
        rows, kind="items", limit=query.limit, position=lambda row: [row.item_id]
    )
    return {"items": items, "next_cursor": following}


@bp.put("/<item_id>")
@bp.input(ItemBody, arg_name="body", example=EXAMPLE)
@bp.output(ItemAnswer)
@bp.doc(responses={201: "Created"})
def put_item(item_id: str, body: ItemBody) -> tuple[Item, int]:
    """Create or replace an item

    What is left out becomes empty. Sending the same again changes nothing.
    """
    with context().writing() as session:
        created = storage.put_item(
            session, item_id=item_id, now=datetime.now(UTC), **body.model_dump()
        )
        item = found(storage.get_item(session, item_id=item_id), "item", item_id)
    return item, 201 if created else 200


@bp.get("/<item_id>")
@bp.output(ItemAnswer)
def get_item(item_id: str) -> Item:
    """Read an item"""
    with context().reading() as session:
        return found(storage.get_item(session, item_id=item_id), "item", item_id)


@bp.patch("/<item_id>")
@bp.input(ItemChanges, arg_name="body", example={"hidden": True})
@bp.output(ItemAnswer)
def patch_item(item_id: str, body: ItemChanges) -> Item:
    """Change some fields of an item

    What is left out stays; `categories`, `tags` and `attributes` are replaced whole.
    """
    changes = body.model_dump(exclude_unset=True)
    with context().writing() as session:
        item = storage.update_item(session, item_id=item_id, changes=changes, now=datetime.now(UTC))
        return found(item, "item", item_id)


@bp.delete("/<item_id>")
@bp.output({}, status_code=204, description="Removed")
def delete_item(item_id: str) -> Response:
    """Remove an item and its interactions"""
    with context().writing() as session:
        deleted = storage.delete_item(session, item_id=item_id)
    return removed(deleted, "item", item_id)
