"""The revisions in `migrations`: up, down and up again with data, on both databases."""

import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect

import migrations
from pipelines import schema
from pipelines.storage.anomalies import WATCH, NewAnomaly, replace_anomalies
from pipelines.storage.artifacts import add_artifact, promote_artifact
from pipelines.storage.detectors import add_detector
from pipelines.storage.drifts import put_drift
from pipelines.storage.embeddings import ItemEmbedding, iterate_embeddings, put_embeddings
from pipelines.storage.engine import create_engine, reading, writing
from pipelines.storage.images import NewImage, put_images
from pipelines.storage.imports import add_import
from pipelines.storage.interactions import (
    NewInteraction,
    count_interactions,
    store_interactions,
)
from pipelines.storage.looks import StoredLook, put_look
from pipelines.storage.runs import add_run
from pipelines.storage.schedules import add_schedule
from pipelines.storage.tables import UNTIMED, Schedule
from pipelines.storage.watch_tables import METADATA
from pipelines.storage.weights import add_weights

FOLDER = Path(migrations.__file__).parent
VERSIONS = sorted(path for path in (FOLDER / "versions").glob("*.py") if path.stem != "__init__")


EMBEDDING = ItemEmbedding("i1", b"1234", 0.5)


def fill(engine: Engine, now: datetime) -> None:
    """At least one row in every table."""
    row = NewInteraction("u1", "i1", "like", 1.0, UNTIMED)
    with writing(engine) as session:
        store_interactions(session, rows=[row], now=now)
        put_images(session, images={"i1": NewImage(b"png", "d1", 8, 8, 1)}, now=now)
        add_run(session, run_id="r1", config="denoising", settings={}, now=now)
        add_artifact(
            session,
            artifact_id="a1",
            kind="denoising",
            config="denoising",
            manifest={},
            run_id="r1",
            now=now,
        )
        promote_artifact(session, artifact_id="a1", now=now)
        put_embeddings(session, artifact_id="a1", embeddings=[EMBEDDING])
        add_import(session, source="x", digest="d", new=1, repeated=0, replaced=0, bad=0, now=now)
        schedule = Schedule(name="s1", config="denoising", paused=False, after_interactions=1)
        schedule.created_at = schedule.updated_at = now
        add_schedule(session, schedule)
        found = [NewAnomaly(("u1",), 2.0, 0.1, True, user_id="u1")]
        replace_anomalies(
            session, finder=WATCH, subject="user", source="a1", found=found, run_id="r1", now=now
        )
        put_drift(
            session, finder=WATCH, source="a1", status="none", inputs={}, run_id="r1", now=now
        )
        look = StoredLook("a1", among=True, scores=[2.0, 1.0])
        put_look(session, finder=WATCH, subject="item", look=look)
        add_detector(
            session,
            detector_id="d1",
            over="table",
            settings={},
            table=b"rows",
            run_id="r1",
            now=now,
        )
        add_weights(session, detector_id="d1", weights={}, figures={}, run_id="r1", now=now)


def counts(engine: Engine) -> dict[str, int | None]:
    with engine.connect() as connection:
        return {
            table: connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()
            for table in METADATA.tables
        }


def test_upgraded_database_is_at_head(engine: Engine) -> None:
    assert schema.current(engine) == schema.head()
    assert schema.is_at_head(engine)


def test_migrations_and_tables_agree(engine: Engine) -> None:
    assert schema.differences(engine) == []


def test_a_difference_is_seen(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql("DROP INDEX ix_interactions_item_key")
        connection.commit()
    [difference] = schema.differences(engine)
    assert "ix_interactions_item_key" in difference


def test_down_and_up_again_with_data(engine: Engine, database_url: str, now: datetime) -> None:
    fill(engine, now)
    assert set(counts(engine).values()) == {1}
    engine.dispose()
    schema.downgrade(database_url, "base")
    assert schema.current(engine) is None
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    assert not schema.is_at_head(engine)
    schema.upgrade(database_url)
    assert set(counts(engine).values()) == {0}
    fill(engine, now)
    with reading(engine) as session:
        assert count_interactions(session) == 1
        assert list(iterate_embeddings(session, artifact_id="a1")) == [EMBEDDING]


def test_each_revision_goes_down_and_up_with_data(
    engine: Engine, database_url: str, now: datetime
) -> None:
    fill(engine, now)
    engine.dispose()
    for path in reversed(VERSIONS):
        schema.downgrade(database_url, "-1")
        schema.upgrade(database_url, path.stem[:4])
        schema.downgrade(database_url, "-1")
    schema.upgrade(database_url)
    assert schema.differences(engine) == []


def test_upgrading_again_changes_nothing(engine: Engine, database_url: str, now: datetime) -> None:
    fill(engine, now)
    schema.upgrade(database_url)
    assert set(counts(engine).values()) == {1}


def test_migration_that_fails_leaves_nothing(
    engine: Engine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema.downgrade(database_url, "base")
    from alembic import command

    def upgrade_and_fail(*arguments: object) -> None:
        upgrade(*arguments)
        raise RuntimeError("on the way")

    upgrade = command.upgrade
    monkeypatch.setattr(command, "upgrade", upgrade_and_fail)
    with pytest.raises(RuntimeError, match="on the way"):
        schema.upgrade(database_url)
    assert not inspect(engine).has_table("users")
    assert schema.current(engine) is None


def test_two_processes_upgrade_at_the_same_time(engine: Engine, database_url: str) -> None:
    schema.downgrade(database_url, "base")
    check_both_upgrade(database_url)
    assert schema.is_at_head(engine)


def test_two_processes_make_one_sqlite_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new/hourglass.db"
    check_both_upgrade(url)
    engine = create_engine(url)
    assert schema.is_at_head(engine)
    engine.dispose()


def check_both_upgrade(url: str) -> None:
    # Each waits for the other to have imported everything: only then is it a race.
    code = (
        "import sys; from pipelines import schema; print(flush=True); sys.stdin.readline();"
        f" schema.upgrade({url!r})"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=FOLDER.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    errors = [process.communicate(timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], errors


def test_files_are_numbered_without_gaps() -> None:
    names = [path.stem for path in VERSIONS]
    assert all(re.fullmatch(r"\d{4}_[a-z0-9_]+", name) for name in names)
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))


def test_head_file_names_the_newest_revision() -> None:
    assert (FOLDER / "HEAD").read_text().strip() == schema.head() == VERSIONS[-1].stem[:4]
