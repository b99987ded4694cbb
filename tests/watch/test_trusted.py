"""Suspects: shown, and left out of a training that asks for it; they stay in the database."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from pipelines.data.interactions import DataConfig, read_interactions
from pipelines.registry.registry import promote_by_id
from pipelines.storage.artifacts import get_artifact
from pipelines.storage.engine import reading
from pipelines.training.run_config import RunConfig, named_run, run_config_of
from pipelines.watch.config import WatchConfig
from pipelines.watch.drift_reports import known_drifts
from pipelines.watch.groups import find_groups
from pipelines.watch.trusted import read_trusted
from pipelines.workflows import is_current, run_watch
from service.cli import main
from tests.running import run, store_at
from tests.worlds import N_FAKE, store_fakes


@pytest.fixture
def fakes(engine: Engine) -> set[str]:
    """The ids of fake profiles in a database with 300 users who rate by their taste."""
    return store_fakes(engine).user_ids


def small(*, leave_out_suspects: bool) -> RunConfig:
    values = named_run("ease").values()
    data = {**values["data"], "above": 2.0, "leave_out_suspects": leave_out_suspects}
    return run_config_of({**values, "data": data})


def data_of(engine: Engine, artifact_id: str) -> dict[str, Any]:
    """What the manifest says of the data."""
    with reading(engine) as session:
        artifact = get_artifact(session, artifact_id=artifact_id)
    assert artifact is not None
    data: dict[str, Any] = artifact.manifest["data"]
    return data


def test_suspects_teach_nothing_and_stay_in_the_database(
    engine: Engine, fakes: set[str], tmp_path: Path
) -> None:
    with reading(engine) as session:
        found = {suspect.user_id for suspect in find_groups(session).suspects}
        everyone = read_interactions(session, DataConfig(above=2.0))
        trusted = read_trusted(session, small(leave_out_suspects=True).data)
    assert len(found & fakes) >= 0.9 * N_FAKE
    assert len(found - fakes) <= 3
    assert set(everyone.user_ids) - set(trusted.matrix.user_ids) == found
    assert trusted.matrix.vocabulary == everyone.vocabulary
    asked = small(leave_out_suspects=True)
    result = run(engine, tmp_path, asked)
    data = data_of(engine, result.artifact_id)
    assert data["suspects_left_out"]["n_users"] == len(found)
    assert data["suspects_left_out"]["n_interactions"] == everyone.x.nnz - trusted.matrix.x.nnz
    assert "4 nats" in data["suspects_left_out"]["rule"]
    assert is_current(engine, asked)
    with reading(engine) as session:
        assert read_interactions(session, DataConfig(above=2.0)).digest() == everyone.digest()


def test_suspects_who_did_not_train_are_no_drift(
    engine: Engine, fakes: set[str], tmp_path: Path
) -> None:
    asked, store = small(leave_out_suspects=True), store_at(tmp_path)
    promote_by_id(engine, store, run(engine, tmp_path, asked).artifact_id)
    look = (engine, store, WatchConfig(kept=5))
    run_watch(*look, home=tmp_path, on_progress=lambda _: None)
    with reading(engine) as session:
        [report] = known_drifts(session).reports
    told = {each["psi"] for each in report.inputs if each["input"] != "anomaly-score"}
    assert told == {0.0}  # nothing changed since training


def test_by_default_nobody_is_left_out(engine: Engine, fakes: set[str], tmp_path: Path) -> None:
    result = run(engine, tmp_path, small(leave_out_suspects=False))
    data = data_of(engine, result.artifact_id)
    assert "suspects_left_out" not in data
    assert data["n_users"] == 330


def test_the_command_shows_groups_with_what_they_are_after(
    engine: Engine, fakes: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("HOURGLASS_DATABASE_URL", url)
    told = CliRunner().invoke(main, ["suspects", "--json"])
    assert told.exit_code == 0, told.output
    group = json.loads(told.stdout)["groups"][0]
    assert set(group["user_ids"]) <= fakes
    assert CliRunner().invoke(main, ["suspects"]).stdout.endswith("by ratings\n")
    nobody = CliRunner().invoke(main, ["suspects", "--action", "unheard"])
    assert nobody.exit_code == 0
    assert "nobody to look at" in nobody.stdout
