"""`hourglass runs`, `artifacts` and `schedules` as a person or a script meets them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipelines import schema
from pipelines.settings import Settings
from service.cli import main

Command = Callable[..., Any]


@pytest.fixture
def hourglass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs a command line in a migrated home of its own; its exit code and JSON answer."""
    monkeypatch.setenv("HOURGLASS_HOME", str(tmp_path))
    monkeypatch.delenv("HOURGLASS_DATABASE_URL", raising=False)
    schema.upgrade(Settings.from_environment().database_url)

    def run(*arguments: str) -> tuple[int, Any]:
        result = CliRunner().invoke(main, [*arguments, "--json"])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result.exit_code, json.loads(result.stdout) if result.stdout else result.stderr

    return run


def test_a_run_is_asked_for_shown_and_called_off(hourglass: Command) -> None:
    code, run = hourglass("runs", "start", "denoising", "--seed", "7", "--epochs", "3")
    assert (code, run["status"]) == (0, "queued")
    assert hourglass("runs", "show", run["run_id"])[1]["config"] == "denoising"
    assert hourglass("runs", "cancel", run["run_id"])[1]["status"] == "cancelled"
    code, problem = hourglass("runs", "cancel", run["run_id"])
    assert (code, problem["type"]) == (1, "conflict")
    assert [row["status"] for row in hourglass("runs", "list")[1]["runs"]] == ["cancelled"]


def test_a_run_that_is_unknown_is_said(hourglass: Command) -> None:
    code, problem = hourglass("runs", "start", "nothing")
    assert (code, problem["errors"][0]["pointer"]) == (1, "/config")
    for command in ("show", "cancel"):
        code, problem = hourglass("runs", command, "nobody")
        assert (code, problem["type"]) == (1, "not-found")


def test_a_schedule_is_set_listed_paused_triggered_and_deleted(hourglass: Command) -> None:
    code, schedule = hourglass(
        *("schedules", "set", "nightly", "--cron", "0 3 * * 1-5"),
        *("--config", "denoising", "--timezone", "Europe/Madrid"),
    )
    assert (code, schedule["timezone"]) == (0, "Europe/Madrid")
    assert hourglass("schedules", "set", "fresh", "--after", "100")[1]["after_interactions"] == 100
    names = [row["name"] for row in hourglass("schedules", "list")[1]["schedules"]]
    assert names == ["fresh", "nightly"]
    assert hourglass("schedules", "pause", "nightly")[1]["paused"] is True
    assert hourglass("schedules", "resume", "nightly")[1]["paused"] is False
    run_id = hourglass("schedules", "trigger", "nightly")[1]["run_id"]
    assert hourglass("runs", "show", run_id)[1]["status"] == "queued"
    assert hourglass("schedules", "delete", "nightly")[0] == 0
    code, problem = hourglass("schedules", "delete", "nightly")
    assert (code, problem["type"]) == (1, "not-found")


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        (["--cron", "0 3 * *"], "/cron"),
        (["--cron", "0 3 * * *", "--timezone", "Mars"], "/timezone"),
        (["--cron", "0 3 * * *", "--config", "nothing"], "/config"),
        (["--after", "0"], "/after_interactions"),
    ],
)
def test_a_wrong_schedule_is_refused_by_field(
    hourglass: Command, options: list[str], pointer: str
) -> None:
    code, problem = hourglass("schedules", "set", "nightly", *options)
    assert (code, problem["errors"][0]["pointer"]) == (1, pointer)


def test_neither_time_nor_count_is_misuse(hourglass: Command) -> None:
    assert hourglass("schedules", "set", "nightly")[0] == 2
    assert hourglass("schedules", "set", "x", "--cron", "0 3 * * *", "--after", "5")[0] == 2


def test_artifacts_that_are_not_there_are_said(hourglass: Command) -> None:
    assert hourglass("artifacts", "list")[1] == {"artifacts": []}
    code, problem = hourglass("artifacts", "promote", "nothing")
    assert (code, problem["type"]) == (1, "not-found")
    code, problem = hourglass("artifacts", "rollback")
    assert (code, problem["type"]) == (1, "conflict")
