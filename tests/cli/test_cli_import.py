"""`hourglass import` and `hourglass db` as a person or a script meets them."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from service.cli import main


@pytest.fixture
def hourglass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs a command line in a home of its own."""
    monkeypatch.setenv("HOURGLASS_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("HOURGLASS_DATABASE_URL", raising=False)

    def run(*arguments: str | Path) -> SimpleNamespace:
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return SimpleNamespace(code=result.exit_code, out=result.stdout, err=result.stderr)

    return run


@pytest.fixture
def migrated(hourglass):
    assert hourglass("db", "upgrade").code == 0
    return hourglass


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    path = tmp_path / "plays.csv"
    path.write_text("user,item\na,b\na\n")
    return path


def test_lesson_is_imported_once(migrated) -> None:
    first, second = migrated("import", "lesson"), migrated("import", "--once", "lesson")
    assert (first.code, second.code) == (0, 0)
    assert "8 interactions new" in first.out
    assert "imported before" in second.out


def test_without_a_path_it_is_misuse_and_names_the_lesson(hourglass) -> None:
    result = hourglass("import")
    assert result.code == 2
    assert "lesson" in result.err


def test_without_the_schema_it_says_to_upgrade_and_upgrades_nothing(hourglass) -> None:
    for _ in range(2):
        result = hourglass("import", "lesson")
        assert result.code == 1
        assert "hourglass db upgrade" in result.err


def test_json_is_one_document_and_nothing_else(migrated, damaged: Path) -> None:
    result = migrated("import", damaged, "--json")
    report = json.loads(result.out)
    assert (result.code, result.err) == (0, "")
    assert (report["format"], report["new"], report["bad"]) == ("csv", 1, 1)
    reason = "has 1 columns, the header has 2"
    assert report["bad_lines"] == [{"file": "plays.csv", "line": 3, "reason": reason}]


def test_bad_lines_go_to_standard_error_with_their_numbers(migrated, damaged: Path) -> None:
    result = migrated("import", damaged)
    assert result.err == "plays.csv, line 3: has 1 columns, the header has 2\n"
    assert "1 bad lines left out" in result.out


def test_strict_fails_at_the_first_bad_line(migrated, damaged: Path) -> None:
    result = migrated("import", damaged, "--strict")
    assert (result.code, result.out) == (1, "")
    assert "plays.csv, line 3" in result.err
    assert json.loads(migrated("import", damaged, "--json").out)["new"] == 1


def test_failure_with_json_is_a_problem_document(migrated, damaged: Path) -> None:
    result = migrated("import", damaged, "--user-column", "usr", "--json")
    problem = json.loads(result.out)
    assert (result.code, problem["type"]) == (1, "invalid-input")
    assert "nearest is 'user'" in problem["detail"]
    assert problem["errors"][0]["pointer"] == "/columns/user"


def test_columns_and_action_can_be_named(migrated, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("listener,track,n\na,b,3\n")
    named = ["--user-column", "listener", "--item-column", "track", "--weight-column", "n"]
    result = migrated("import", tmp_path / "x.csv", *named, "--action", "play", "--json")
    assert json.loads(result.out)["new"] == 1


def test_missing_file_and_unreadable_home_are_messages(migrated, monkeypatch) -> None:
    assert "no file or folder nowhere" in migrated("import", "nowhere").err
    monkeypatch.setenv("HOURGLASS_HOME", "/proc/nowhere")
    result = migrated("import", "lesson")
    assert (result.code, "/proc/nowhere" in result.err) == (1, True)


def test_database_that_is_away_is_a_message(hourglass, monkeypatch) -> None:
    url = "postgresql+psycopg://nobody@127.0.0.1:1/x?connect_timeout=2"
    monkeypatch.setenv("HOURGLASS_DATABASE_URL", url)
    result = hourglass("import", "lesson", "--json")
    assert (result.code, json.loads(result.out)["type"]) == (1, "not-ready")


@pytest.mark.parametrize("url", ["nonsense", "sqlite:///"])
def test_wrong_database_url_is_no_traceback(hourglass, monkeypatch, url: str) -> None:
    monkeypatch.setenv("HOURGLASS_DATABASE_URL", url)
    assert hourglass("import", "lesson").code == 1


def test_every_command_shows_an_example_in_its_help(hourglass) -> None:
    for command in (["import"], ["db", "upgrade"], ["db", "downgrade"], ["db", "current"]):
        result = hourglass(*command, "--help")
        assert (result.code, "Example: hourglass" in result.out) == (0, True)


def test_db_goes_up_and_down_and_says_where_it_is(hourglass) -> None:
    assert json.loads(hourglass("db", "current", "--json").out)["current"] is None
    up = json.loads(hourglass("db", "upgrade", "--json").out)
    assert up["current"] == up["head"]
    down = hourglass("db", "downgrade", "base", "--yes", "--json")
    assert json.loads(down.out)["current"] is None


def test_db_downgrade_asks_first_and_wrong_revision_is_a_message(migrated) -> None:
    assert migrated("db", "downgrade", "base").code == 1
    assert "up to date" in migrated("db", "current").out
    result = migrated("db", "upgrade", "nope")
    assert (result.code, "'nope'" in result.err) == (1, True)


def test_ctrl_c_says_what_is_stored_and_running_again_completes(migrated, tmp_path: Path) -> None:
    path = tmp_path / "train.txt"
    # More than one chunk, or it could be done before it is stopped.
    path.write_text("".join(f"{user} {' '.join(map(str, range(40)))}\n" for user in range(9_000)))
    process = subprocess.Popen(
        [sys.executable, "-c", "from service.cli import main; main()", "import", path, "--json"],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    wal = tmp_path / "home" / "hourglass.db-wal"
    deadline = time.monotonic() + 60
    while not (wal.is_file() and wal.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    document = json.loads(process.communicate(timeout=60)[0])
    assert (process.returncode, document["type"]) == (1, "stopped")
    report = json.loads(migrated("import", path, "--json").out)
    told = f"The first {report['repeated']:,} rows" if report["repeated"] else "Nothing"
    assert document["detail"].startswith(told)
    assert report["new"] + report["repeated"] == 360_000
