"""Items."""

from datetime import datetime, timedelta

from sqlalchemy import Engine

from pipelines.storage.artifacts import add_artifact
from pipelines.storage.embeddings import ItemEmbedding, get_embedding, put_embeddings
from pipelines.storage.engine import reading, writing
from pipelines.storage.interactions import (
    NewInteraction,
    count_interactions,
    store_interactions,
)
from pipelines.storage.items import (
    NewItem,
    changed_items,
    changes,
    contents,
    delete_item,
    get_item,
    list_items,
    put_item,
    put_items,
    update_item,
    visible_items,
)
from pipelines.storage.tables import IMAGES, UNTIMED, Item


def put(engine: Engine, item_id: str, now: datetime, *, hidden: bool = False) -> bool:
    with writing(engine) as session:
        return put_item(
            session,
            item_id=item_id,
            title=f"Title of {item_id}",
            categories=["rock", "pop"],
            tags=["live"],
            attributes={"year": 1999},
            hidden=hidden,
            now=now,
        )


def fetch(engine: Engine, item_id: str) -> Item:
    with reading(engine) as session:
        item = get_item(session, item_id=item_id)
    assert item is not None
    return item


def test_put_creates_and_then_overwrites(engine: Engine, now: datetime) -> None:
    later = now + timedelta(days=1)
    assert put(engine, "i1", now)
    assert not put(engine, "i1", later, hidden=True)
    item = fetch(engine, "i1")
    assert (item.title, item.categories, item.attributes) == (
        "Title of i1",
        ["rock", "pop"],
        {"year": 1999},
    )
    assert (item.hidden, item.image_digest) == (True, None)
    assert (item.created_at, item.updated_at) == (now, later)


def test_unknown_item_is_none(engine: Engine, now: datetime) -> None:
    with writing(engine) as session:
        assert get_item(session, item_id="i1") is None
        assert update_item(session, item_id="i1", changes={"title": "x"}, now=now) is None
        assert not delete_item(session, item_id="i1")


def test_update_sets_the_named_columns_alone(engine: Engine, now: datetime) -> None:
    put(engine, "i1", now)
    with writing(engine) as session:
        update_item(session, item_id="i1", changes={"title": None, "categories": []}, now=now)
    item = fetch(engine, "i1")
    assert (item.title, item.categories, item.attributes) == (None, [], {"year": 1999})


def test_deleting_an_item_deletes_what_refers_to_it(engine: Engine, now: datetime) -> None:
    rows = [NewInteraction("u1", item_id, "like", 1.0, UNTIMED) for item_id in ("i1", "i2")]
    with writing(engine) as session:
        store_interactions(session, rows=rows, now=now)
        add_artifact(
            session,
            artifact_id="a1",
            kind="denoising",
            config="denoising",
            manifest={},
            run_id=None,
            now=now,
        )
        both = [ItemEmbedding("i1", b"1234", 0.5), ItemEmbedding("i2", b"5678", -0.5)]
        put_embeddings(session, artifact_id="a1", embeddings=both)
        assert delete_item(session, item_id="i1")
        assert count_interactions(session) == 1
        assert get_embedding(session, artifact_id="a1", item_id="i1") is None
        assert get_embedding(session, artifact_id="a1", item_id="i2") == both[1]


def test_items_are_paged_in_the_order_of_their_ids(engine: Engine, now: datetime) -> None:
    for item_id in ("c", "a", "d", "b"):
        put(engine, item_id, now)
    with reading(engine) as session:
        first = list_items(session, limit=3, after=None)
        second = list_items(session, limit=3, after="c")
    assert [item.item_id for item in first] == ["a", "b", "c"]
    assert [item.item_id for item in second] == ["d"]


def test_content_of_items_is_read_whole_or_of_some(engine: Engine, now: datetime) -> None:
    for item_id in ("b", "a"):
        put(engine, item_id, now)
    with reading(engine) as session:
        whole = list(contents(session))
        some = list(contents(session, item_ids=["b", "nowhere"]))
    assert [item.item_id for item in whole] == ["a", "b"]
    assert some == [("b", "Title of b", ["rock", "pop"], ["live"], None)]


def test_content_has_the_image_embeddings_of_one_artifact_alone(
    engine: Engine, now: datetime
) -> None:
    put(engine, "a", now)
    put(engine, "b", now)
    with writing(engine) as session:
        for artifact_id, vector in (("one", b"1111"), ("two", b"2222")):
            add_artifact(
                session,
                artifact_id=artifact_id,
                kind="convolutional",
                config="convolutional",
                manifest={},
                run_id=None,
                now=now,
                subject=IMAGES,
            )
            put_embeddings(
                session, artifact_id=artifact_id, embeddings=[ItemEmbedding("a", vector, None)]
            )
    with reading(engine) as session:
        vectors = {
            artifact_id: [each.vector for each in contents(session, image_artifact_id=artifact_id)]
            for artifact_id in ("one", "two", "three", None)
        }
    nothing = [None, None]
    assert vectors == {
        "one": [b"1111", None],
        "two": [b"2222", None],
        "three": nothing,
        None: nothing,
    }


def test_changed_items_come_newest_first_without_the_hidden(engine: Engine, now: datetime) -> None:
    for item_id in ("a", "b", "c", "d"):
        put(engine, item_id, now)
    later = now + timedelta(seconds=1)
    with writing(engine) as session:
        update_item(session, item_id="a", changes={"title": "New"}, now=later)
        update_item(session, item_id="c", changes={"hidden": True}, now=later)
    with reading(engine) as session:
        assert list(changed_items(session, since=now)) == ["d", "b", "a"]
        assert list(changed_items(session, since=later)) == ["a"]
        assert changes(session, since=now) == (later, 4)
        assert changes(session, since=later) == (later, 2)
        assert changes(session, since=later + timedelta(seconds=1)) == (None, 0)


def test_many_items_are_created_and_completed(engine: Engine, now: datetime) -> None:
    put(engine, "i1", now)
    items = [
        NewItem("i1", title="New title"),
        NewItem("i2", categories=("jazz",), tags=("slow",)),
        NewItem("i3"),
        NewItem("i2", title="Second", attributes={"year": 2001}),
    ]
    with writing(engine) as session:
        put_items(session, items=items, now=now)
    one, two, three = (fetch(engine, item_id) for item_id in ("i1", "i2", "i3"))
    assert (one.title, one.categories, one.attributes) == (
        "New title",
        ["rock", "pop"],
        {"year": 1999},
    )
    assert (two.title, two.categories, two.attributes) == ("Second", ["jazz"], {"year": 2001})
    assert (one.tags, two.tags, three.tags) == (["live"], ["slow"], [])
    assert (three.title, three.categories, three.attributes) == (None, [], {})


def test_no_items_are_no_work(engine: Engine, now: datetime) -> None:
    with writing(engine) as session:
        put_items(session, items=[], now=now)
        assert list_items(session, limit=1, after=None) == []


def test_visible_items_are_those_that_exist_and_are_not_hidden(
    engine: Engine, now: datetime
) -> None:
    put(engine, "i1", now)
    put(engine, "i2", now, hidden=True)
    with writing(engine) as session:
        put_items(session, items=[NewItem("a/b")], now=now)
    with reading(engine) as session:
        visible = visible_items(session, item_ids=["i1", "i2", "a/b", "gone"])
        assert visible_items(session, item_ids=[]) == {}
    assert visible == {"i1": "Title of i1", "a/b": None}


def test_visible_items_takes_any_number_of_ids(engine: Engine, now: datetime) -> None:
    ids = [f"i{number}" for number in range(70_000)]  # more than a statement has parameters
    with writing(engine) as session:
        put_items(session, items=[NewItem(item_id) for item_id in ids[:100]], now=now)
        assert len(visible_items(session, item_ids=ids)) == 100
