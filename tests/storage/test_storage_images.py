"""Images of items, and their embeddings, which never outlive them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine

from pipelines.storage.artifacts import (
    active_artifact_id,
    add_artifact,
    forget_unless_read,
    image_artifact_ids,
    promote_artifact,
)
from pipelines.storage.bulk import Stored
from pipelines.storage.embeddings import ItemEmbedding, get_embedding, put_embeddings
from pipelines.storage.engine import reading, writing
from pipelines.storage.images import (
    ImageState,
    NewImage,
    delete_image,
    describe_images,
    get_image,
    image_state,
    images_to_embed,
    put_images,
    read_contents,
    still_theirs,
)
from pipelines.storage.items import delete_item, get_item
from pipelines.storage.tables import IMAGES


def image(content: bytes) -> NewImage:
    return NewImage(content, digest=content.decode() * 8, width=8, height=6, channels=1)


@pytest.fixture
def artifacts(engine: Engine, now: datetime) -> dict[str, str]:
    """An active artifact of each subject, and an embedding of item `a` by each."""
    ids = {subject: f"{subject}-1" for subject in ("interactions", IMAGES)}
    with writing(engine) as session:
        put_images(session, images={"a": image(b"one")}, now=now)
        for subject, artifact_id in ids.items():
            add_artifact(
                session,
                artifact_id=artifact_id,
                kind="k",
                config="c",
                manifest={},
                run_id=None,
                now=now,
                subject=subject,
            )
            promote_artifact(session, artifact_id=artifact_id, now=now)
            put_embeddings(
                session, artifact_id=artifact_id, embeddings=[ItemEmbedding("a", b"1234", None)]
            )
    return ids


def test_an_image_of_an_unknown_item_creates_it(engine: Engine, now: datetime) -> None:
    with writing(engine) as session:
        stored = put_images(session, images={"a/b": image(b"one")}, now=now)
    assert stored == Stored(1, 0, 0)
    with reading(engine) as session:
        found = get_image(session, item_id="a/b")
        item = get_item(session, item_id="a/b")
        assert get_image(session, item_id="other") is None
    assert found is not None
    assert (found.content, found.width, found.height, found.channels) == (b"one", 8, 6, 1)
    assert found.stored_at == now
    assert item is not None
    assert item.image_digest == "one" * 8


def test_the_same_image_again_changes_nothing_and_another_replaces_it(
    engine: Engine, now: datetime
) -> None:
    later = now + timedelta(seconds=1)
    with writing(engine) as session:
        put_images(session, images={"a": image(b"one")}, now=now)
        assert put_images(session, images={"a": image(b"one")}, now=later).repeated == 1
    with writing(engine) as session:
        found = get_image(session, item_id="a")
        assert found is not None
        assert found.stored_at == now
        assert put_images(session, images={"a": image(b"two")}, now=later).replaced == 1
    with reading(engine) as session:
        assert list(read_contents(session, item_ids=["a", "z"])) == [("a", b"two")]
        [described] = describe_images(session)
    assert described == ("a", "two" * 8, 8, 6, 1, [])


def test_a_deleted_image_leaves_its_item_and_a_deleted_item_no_image(
    engine: Engine, now: datetime
) -> None:
    with writing(engine) as session:
        put_images(session, images={"a": image(b"one"), "b": image(b"two")}, now=now)
    with writing(engine) as session:
        assert delete_image(session, item_id="a", now=now)
        assert not delete_image(session, item_id="a", now=now)
        assert delete_item(session, item_id="b")
    with reading(engine) as session:
        item = get_item(session, item_id="a")
        assert list(describe_images(session)) == []
    assert item is not None
    assert item.image_digest is None


def test_a_replaced_or_deleted_image_takes_its_embeddings_along_and_no_others(
    engine: Engine, now: datetime, artifacts: dict[str, str]
) -> None:
    def embedded() -> list[bool]:
        with reading(engine) as session:
            return [
                get_embedding(session, artifact_id=name, item_id="a") is not None
                for name in artifacts.values()
            ]

    assert embedded() == [True, True]
    with writing(engine) as session:
        put_images(session, images={"a": image(b"two")}, now=now)
    assert embedded() == [True, False]
    with writing(engine) as session:
        put_embeddings(
            session, artifact_id=artifacts[IMAGES], embeddings=[ItemEmbedding("a", b"5678", None)]
        )
        delete_image(session, item_id="a", now=now)
    assert embedded() == [True, False]


def test_images_without_an_embedding_are_found_and_locked_by_their_digest(
    engine: Engine, now: datetime, artifacts: dict[str, str]
) -> None:
    name = artifacts[IMAGES]
    with reading(engine) as session:
        before = image_state(session, artifact_id=name)
    with writing(engine) as session:
        put_images(session, images={"b": image(b"two"), "c": image(b"three")}, now=now)
    with reading(engine) as session:
        after = image_state(session, artifact_id=name)
        found = images_to_embed(session, artifact_id=name, limit=10)
        assert len(images_to_embed(session, artifact_id=name, limit=1)) == 1
    assert (before[:2], after[:2]) == ((1, 1), (3, 1))
    assert found == [("b", "two" * 8, b"two"), ("c", "three" * 8, b"three")]
    with writing(engine) as session:
        digests = {"b": "two" * 8, "c": "an older one"}
        assert still_theirs(session, digests=digests) == {"b"}


def test_an_image_that_is_replaced_with_an_earlier_moment_changes_the_state(
    engine: Engine, now: datetime, artifacts: dict[str, str]
) -> None:
    name = artifacts[IMAGES]
    with writing(engine) as session:
        put_images(session, images={"b": image(b"two")}, now=now + timedelta(hours=1))
    seen: set[ImageState] = set()
    for seconds in range(3):  # transactions end in any order
        moment = now + timedelta(seconds=seconds)
        with writing(engine) as session:
            put_images(session, images={"a": image(b"new%d" % seconds)}, now=moment)
            again = [ItemEmbedding("a", b"1234", None)]
            put_embeddings(session, artifact_id=name, embeddings=again)
        with reading(engine) as session:
            seen.add(image_state(session, artifact_id=name))
    assert len(seen) == 3
    assert {state[:2] for state in seen} == {(2, 1)}


def promote_new(
    engine: Engine, now: datetime, artifact_id: str, subject: str, reads: str | None = None
) -> None:
    """Promote an artifact, its tower fitted to the embeddings of `reads`."""
    manifest = {} if reads is None else {"content": {"image_artifact_id": reads}}
    with writing(engine) as session:
        add_artifact(
            session,
            artifact_id=artifact_id,
            kind="k",
            config="c",
            manifest=manifest,
            run_id=None,
            now=now,
            subject=subject,
        )
        promote_artifact(session, artifact_id=artifact_id, now=now)
        put_embeddings(
            session, artifact_id=artifact_id, embeddings=[ItemEmbedding("a", b"1234", None)]
        )


def embedded_by(engine: Engine, names: Sequence[str]) -> list[str]:
    with reading(engine) as session:
        return [
            name
            for name in names
            if get_embedding(session, artifact_id=name, item_id="a") is not None
        ]


def test_embeddings_that_the_active_tower_reads_stay_until_its_artifact_is_retired(
    engine: Engine, now: datetime, artifacts: dict[str, str]
) -> None:
    names = ["images-1", "images-2", "images-3", "with-tower", "interactions-1"]
    promote_new(engine, now, "with-tower", "interactions", reads="images-1")
    assert embedded_by(engine, names) == ["images-1", "with-tower"]
    promote_new(engine, now, "images-2", IMAGES)
    with reading(engine) as session:
        assert image_artifact_ids(session) == ["images-2", "images-1"]
    promote_new(engine, now, "images-3", IMAGES)
    assert embedded_by(engine, names) == ["images-1", "images-3", "with-tower"]
    with writing(engine) as session:
        for name in ("images-1", "images-3", "with-tower"):
            forget_unless_read(session, artifact_id=name)
    assert embedded_by(engine, names) == ["images-1", "images-3", "with-tower"]
    promote_new(engine, now, "later", "interactions", reads="images-3")
    assert embedded_by(engine, [*names, "later"]) == ["images-3", "later"]
    with reading(engine) as session:
        assert image_artifact_ids(session) == ["images-3"]


def test_one_artifact_of_each_subject_is_active(engine: Engine, artifacts: dict[str, str]) -> None:
    with reading(engine) as session:
        found = {name: active_artifact_id(session, subject=name) for name in artifacts}
    assert found == artifacts
