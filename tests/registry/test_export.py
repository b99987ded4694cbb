"""Exports: whole files with a manifest, a pointer to the newest whole one, what is in them."""

import csv
import hashlib
import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine

from pipelines.data.importing import ImportOptions, import_path
from pipelines.errors import InvalidInput
from pipelines.predictor.embed import embed_user
from pipelines.predictor.popularity import Popularity
from pipelines.predictor.predictor import Predictor
from pipelines.predictor.recommend import recommend_for_user
from pipelines.registry import export_rows
from pipelines.registry.artifact import read_artifact
from pipelines.registry.export import export_item_embeddings, export_user_embeddings
from pipelines.registry.export_rows import export_interactions, export_recommendations
from pipelines.registry.store import Store
from pipelines.storage.engine import create_engine, reading, writing
from pipelines.storage.interactions import NewInteraction, count_interactions, store_interactions
from pipelines.storage.items import delete_item, update_item
from pipelines.storage.tables import UNTIMED
from pipelines.storage.users import put_user
from pipelines.training.run_config import named_run, run_config_of
from pipelines.workflows import run_training
from tests.worlds import store_world, two_tastes

NOW = datetime(2026, 1, 1, 2, 3, 4, 567891, tzinfo=UTC)
RARE = [
    NewInteraction("a/b", 'quoted "x", y', "like", 1.0, UNTIMED),
    NewInteraction("👨‍👩‍👧", "b|c", "play", -2.5, NOW),
    NewInteraction("e", "f", "rate", 0.1, datetime(1960, 1, 1, tzinfo=UTC)),
]

PLAYS = [
    NewInteraction(f"user-{user:04}", f"item-{item:03}", "play", float(1 + item), NOW)
    for user in range(120)
    for item in range(user % 2, 8, 2)
]


def quiet(_: int) -> None:
    pass


def store_rows(engine: Engine, rows: list[NewInteraction]) -> None:
    with writing(engine) as session:
        store_interactions(session, rows=rows, now=NOW)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "artifacts"))


@pytest.fixture(params=["binary", "log"])
def artifact_id(
    request: pytest.FixtureRequest, engine: Engine, store: Store, tmp_path: Path
) -> str:
    """A small trained artifact, active, that reads whether there were plays, or how many."""
    store_world(engine, two_tastes(120))
    store_rows(engine, PLAYS)
    values = named_run("denoising").values()
    values["network"].update({"hidden_dims": [16], "latent_dim": 8})
    values["data"]["values"] = request.param
    values["fit"].update({"epochs": 10, "learning_rate": 0.01, "batch_size": 20})
    config = run_config_of(values)
    result = run_training(engine, store, config, home=tmp_path, on_progress=lambda _: None)
    assert result.artifact_id is not None
    return result.artifact_id


def read_rows(path: Path) -> list[dict[str, object]]:
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("ending", ["parquet", "jsonl", "csv"])
def test_exported_interactions_imported_again_change_nothing(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setattr("pipelines.storage.interactions.CHUNK_ROWS", 2)
    spaced = NewInteraction(" spaced ", "item", " act ", 1.0, NOW)
    rows = RARE if ending == "csv" else [*RARE, spaced]
    store_rows(engine, rows)
    path = tmp_path / f"out.{ending}"
    manifest = export_interactions(engine, path, on_rows=quiet)
    assert (manifest.rows, manifest.artifact_id) == (len(rows), None)
    report = import_path(engine, path, options=ImportOptions(), progress=lambda _: None)
    assert (report.new, report.replaced, report.bad) == (0, 0, 0)
    assert report.repeated == len(rows)


@pytest.mark.parametrize("ending", ["parquet", "jsonl", "csv"])
def test_export_of_nothing_is_a_whole_file(engine: Engine, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"out.{ending}"
    assert export_interactions(engine, path, on_rows=quiet).rows == 0
    assert path.is_file()


def test_untimed_is_no_value_where_there_is_such_a_thing(engine: Engine, tmp_path: Path) -> None:
    store_rows(engine, RARE[:1])
    for ending in ("parquet", "jsonl"):
        export_interactions(engine, tmp_path / f"x.{ending}", on_rows=quiet)
        assert read_rows(tmp_path / f"x.{ending}")[0]["occurred_at"] is None
    export_interactions(engine, tmp_path / "x.csv", on_rows=quiet)
    (row,) = csv.DictReader((tmp_path / "x.csv").read_text().splitlines())
    assert row["occurred_at"] == "1970-01-01T00:00:00+00:00"


def test_manifest_lies_beside_the_file_and_tells_its_checksum(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    store_rows(sqlite_engine, RARE)
    path = tmp_path / "out.jsonl"
    export_interactions(sqlite_engine, path, on_rows=quiet)
    manifest = json.loads((tmp_path / "out.jsonl.manifest.json").read_text())
    assert manifest["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (manifest["path"], manifest["rows"], manifest["format"]) == ("out.jsonl", 3, "jsonl")
    assert datetime.fromisoformat(manifest["created_at"]).tzinfo is not None
    assert not list(tmp_path.glob(".*partial"))


def test_folder_keeps_every_export_and_points_to_the_newest(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    first = export_interactions(sqlite_engine, folder, on_rows=quiet)
    second = export_interactions(sqlite_engine, folder, on_rows=quiet)
    latest = json.loads((folder / "latest.json").read_text())
    assert latest == {
        "file": Path(second.path).name,
        "manifest": f"{Path(second.path).name}.manifest.json",
    }
    assert Path(first.path).is_file()
    assert Path(second.path).name.startswith("interactions-")


def test_wrong_ending_names_the_right_ones(sqlite_engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"\.csv, \.jsonl, \.parquet|\.parquet, \.jsonl, \.csv"):
        export_interactions(sqlite_engine, tmp_path / "x.xlsx", on_rows=quiet)


def test_failed_export_leaves_the_former_file_and_no_other(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    path = tmp_path / "out" / "x.jsonl"
    export_interactions(sqlite_engine, path, on_rows=quiet)
    before = {file: file.read_bytes() for file in path.parent.iterdir()}
    store_rows(sqlite_engine, RARE)

    def fail(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_interactions(sqlite_engine, path, on_rows=fail)
    assert {file: file.read_bytes() for file in path.parent.iterdir()} == before


def slow_export(engine: Engine, folder: Path) -> "subprocess.Popen[str]":
    """An export in a process of its own, all rows written and not yet done; ends on a line."""
    code = (
        "import sys; from pathlib import Path;"
        "from pipelines.registry.export_rows import export_interactions;"
        "from pipelines.storage.engine import create_engine;"
        "export_interactions(create_engine(sys.argv[1]), Path(sys.argv[2]),"
        " on_rows=lambda n: (print(n, flush=True), sys.stdin.readline()))"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(engine.url), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "3\n"
    return child


def test_next_export_removes_what_a_killed_one_left_and_nothing_of_a_living_one(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    store_rows(sqlite_engine, RARE)
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / ".notes.partial").write_text("somebody else's")
    killed, living = slow_export(sqlite_engine, folder), slow_export(sqlite_engine, folder)
    killed.kill()
    killed.communicate()
    assert len(list(folder.glob(".*.partial"))) == 3
    export_interactions(sqlite_engine, folder, on_rows=quiet)
    left = {path.name for path in folder.glob(".*.partial")}
    assert len(left) == 2
    assert any(f".{living.pid}." in name for name in left)
    living.communicate("go on\n")
    assert living.returncode == 0
    assert {path.name for path in folder.glob(".*.partial")} == {".notes.partial"}
    assert len(list(folder.glob("*.parquet"))) == 2


def test_what_an_export_may_not_remove_does_not_stop_the_next_one(
    sqlite_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_rows(sqlite_engine, RARE)
    theirs = tmp_path / ".interactions.parquet.1.partial"
    theirs.touch()
    unlink = Path.unlink

    def refuse(path: Path, **options: bool) -> None:
        if path == theirs:
            raise PermissionError(path)
        unlink(path, **options)

    monkeypatch.setattr(Path, "unlink", refuse)
    export_interactions(sqlite_engine, tmp_path, on_rows=quiet)
    assert theirs.exists()
    assert (tmp_path / "latest.json").exists()


def test_killed_export_leaves_the_pointer_on_the_former_whole_file(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    store_rows(sqlite_engine, RARE)
    folder = tmp_path / "exports"
    folder.mkdir()
    export_interactions(sqlite_engine, folder, on_rows=quiet)
    before = (folder / "latest.json").read_bytes()
    child = slow_export(sqlite_engine, folder)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert (folder / "latest.json").read_bytes() == before
    latest = json.loads(before)
    manifest = json.loads((folder / latest["manifest"]).read_text())
    content = (folder / latest["file"]).read_bytes()
    assert manifest["sha256"] == hashlib.sha256(content).hexdigest()
    assert len(list(folder.glob("*.parquet"))) == 1


@pytest.mark.parametrize("ending", ["parquet", "jsonl"])
def test_recommendations_of_all_users_are_those_of_the_api(
    engine: Engine,
    store: Store,
    artifact_id: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ending: str,
) -> None:
    with writing(engine) as session:
        update_item(session, item_id="item-000", changes={"hidden": True}, now=NOW)
        delete_item(session, item_id="item-003")
        put_user(session, user_id="user-0007/none", attributes={}, now=NOW)
        rows = [NewInteraction("user-0001", "new-item", "view", 1.0, NOW)]
        store_interactions(session, rows=rows, now=NOW)
    monkeypatch.setattr(export_rows, "BATCH_SCORES", 40 * 7)
    path = tmp_path / f"out.{ending}"
    manifest = export_recommendations(engine, store, path, n=5, on_rows=quiet)
    assert manifest.artifact_id == artifact_id
    predictor = Predictor(read_artifact(store, artifact_id))
    exported: dict[object, list[dict[str, object]]] = {}
    for row in read_rows(path):
        exported.setdefault(row["user_id"], []).append(row)
    assert len(exported) == 121
    for user_id, rows_of_user in exported.items():
        with reading(engine) as session:
            answer = recommend_for_user(session, predictor, Popularity(), user_id=str(user_id), n=5)
        assert [row["rank"] for row in rows_of_user] == [1, 2, 3, 4, 5]
        assert [row["item_id"] for row in rows_of_user] == [
            best.item_id for best in answer.recommendations
        ]
        assert [row["score"] for row in rows_of_user] == pytest.approx(
            [best.score for best in answer.recommendations], rel=1e-4
        )
        assert {row["strategy"] for row in rows_of_user} == {answer.strategy}
        assert {row["artifact_id"] for row in rows_of_user} == {answer.artifact_id}


def test_without_an_artifact_everybody_gets_popular_items(
    engine: Engine, store: Store, tmp_path: Path
) -> None:
    store_world(engine, two_tastes(6))
    path = tmp_path / "x.jsonl"
    manifest = export_recommendations(engine, store, path, n=3, on_rows=quiet)
    rows = read_rows(path)
    assert (manifest.rows, manifest.artifact_id, len(rows)) == (18, None, 18)
    assert {row["strategy"] for row in rows} == {"popularity"}


def test_embeddings_have_a_manifest_that_names_the_artifact(
    engine: Engine, store: Store, artifact_id: str, tmp_path: Path
) -> None:
    folder = tmp_path / "embeddings"
    items = export_item_embeddings(engine, folder, on_rows=quiet)
    users = export_user_embeddings(
        engine, store, tmp_path / "users.npz", space="code", on_rows=quiet
    )
    assert (items.rows, users.rows) == (40, 120)
    assert items.artifact_id == users.artifact_id == artifact_id
    assert json.loads((folder / "latest.json").read_text())["file"] == Path(items.path).name
    assert (tmp_path / "users.npz.manifest.json").is_file()
    with np.load(tmp_path / "users.npz") as arrays, reading(engine) as session:
        user_id, vector = str(arrays["user_id"][7]), arrays["embedding"][7]
        predictor = Predictor(read_artifact(store, artifact_id))
        answer = embed_user(session, predictor, user_id=user_id, space="code")
    assert vector.tolist() == pytest.approx(list(answer.embedding))


@pytest.mark.parametrize("ending", ["parquet", "npz", "jsonl"])
def test_exported_items_have_the_biases_that_complete_their_logits(
    engine: Engine, store: Store, artifact_id: str, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"items.{ending}"
    export_item_embeddings(engine, path, on_rows=quiet)
    if ending == "npz":
        with np.load(path) as arrays:
            biases = dict(zip(arrays["item_id"].tolist(), arrays["bias"].tolist(), strict=True))
    else:
        biases = {row["item_id"]: row["bias"] for row in read_rows(path)}
    artifact = read_artifact(store, artifact_id)
    expected = dict(
        zip(artifact.vocabulary.item_ids, artifact.network.item_biases().tolist(), strict=True)
    )
    assert biases == pytest.approx(expected)


def test_an_export_sees_one_moment(database_url: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("pipelines.storage.interactions.CHUNK_ROWS", 1)
    engine = create_engine(database_url)
    store_rows(engine, RARE)
    late = [NewInteraction("z", "z", "like", 1.0, UNTIMED)]

    def add(n_rows: int) -> None:
        if n_rows == 1:
            store_rows(engine, late)

    assert export_interactions(engine, tmp_path / "x.jsonl", on_rows=add).rows == 3
    with reading(engine) as session:
        assert count_interactions(session) == 4
    engine.dispose()
