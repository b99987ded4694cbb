"""`hourglass import` of packed files and standard input, its dry run, and `hourglass export`."""

import gzip
import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from service.cli import main

RATINGS = b"1::1193::5::978300760\n1::661::3::978302109\nx\n"


@pytest.fixture
def hourglass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs a command line in a home of its own; `stdin` is what comes through standard input."""
    monkeypatch.setenv("HOURGLASS_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("HOURGLASS_DATABASE_URL", raising=False)

    def run(*arguments: str | Path, stdin: bytes = b"") -> SimpleNamespace:
        words = [str(argument) for argument in arguments]
        result = CliRunner().invoke(main, words, input=stdin)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return SimpleNamespace(code=result.exit_code, out=result.stdout, err=result.stderr)

    return run


@pytest.fixture
def migrated(hourglass):
    assert hourglass("db", "upgrade").code == 0
    return hourglass


@pytest.mark.parametrize("packed", [RATINGS, gzip.compress(RATINGS)], ids=["plain", "gzip"])
def test_standard_input_is_imported_and_leaves_no_file(
    migrated, tmp_path: Path, packed: bytes
) -> None:
    report = json.loads(migrated("import", "-", "--json", stdin=packed).out)
    assert (report["path"], report["format"]) == ("standard input", "movielens-dat")
    assert (report["new"], report["bad"]) == (2, 1)
    assert {path.name for path in (tmp_path / "home").iterdir()} <= {
        "hourglass.db",
        "hourglass.db-shm",
        "hourglass.db-wal",
    }


def test_empty_standard_input_is_a_message(migrated) -> None:
    result = migrated("import", "-")
    assert (result.code, "standard input is empty" in result.err) == (1, True)


def test_dry_run_shows_what_is_recognised_and_needs_no_database(hourglass, tmp_path: Path) -> None:
    (tmp_path / "ratings.dat").write_bytes(RATINGS)
    (tmp_path / "movies.dat").write_bytes(b"661::A::B\n")
    result = hourglass("import", tmp_path, "--dry-run")
    assert result.code == 0
    for told in (
        "movielens-dat",
        "user <- UserID",
        "movies.dat",
        "1  1193  rate  5",
        "Nothing was",
    ):
        assert told in result.out
    assert "line 3" in result.err
    document = json.loads(hourglass("import", tmp_path, "--dry-run", "--json").out)
    assert document["fields"]["weight"] == "Rating"
    assert document["rows"][0]["item_id"] == "1193"
    assert not (tmp_path / "home").exists()


def test_dry_run_of_csv_shows_which_columns_were_found(hourglass, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("who,track\na,b\n")
    result = hourglass("import", tmp_path / "x.csv", "--dry-run", "--user-column", "who")
    assert "user <- who" in result.out
    assert "item <- track" in result.out
    assert "untimed" in result.out


def test_dry_run_fails_as_the_import_would(hourglass, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("once upon a time\n")
    result = hourglass("import", tmp_path / "x", "--dry-run", "--json")
    assert (result.code, json.loads(result.out)["type"]) == (1, "invalid-input")


def test_member_of_no_zip_names_the_field(migrated, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(RATINGS)
    problem = json.loads(migrated("import", tmp_path / "x", "--member", "y", "--json").out)
    assert problem["errors"][0]["pointer"] == "/member"


def test_interactions_are_exported_and_imported_again(migrated, tmp_path: Path) -> None:
    migrated("import", "lesson")
    path = tmp_path / "out.parquet"
    document = json.loads(migrated("export", "interactions", "--to", path, "--json").out)
    assert (document["rows"], document["path"]) == (8, str(path))
    report = json.loads(migrated("import", path, "--json").out)
    assert (report["new"], report["repeated"], report["replaced"]) == (0, 8, 0)


def test_recommendations_go_into_a_folder_that_is_made(migrated, tmp_path: Path) -> None:
    migrated("import", "lesson")
    result = migrated("export", "recommendations", "--to", f"{tmp_path}/out/", "--n", "2")
    assert result.code == 0
    assert "recommendations written to" in result.out
    latest = json.loads((tmp_path / "out" / "latest.json").read_text())
    assert (tmp_path / "out" / latest["file"]).is_file()


def test_wrong_ending_and_wrong_n_are_named(migrated, tmp_path: Path) -> None:
    result = migrated("export", "recommendations", "--to", tmp_path / "x.csv", "--json")
    assert json.loads(result.out)["errors"][0]["pointer"] == "/to"
    assert migrated("export", "recommendations", "--to", tmp_path / "x.jsonl", "--n", "0").code == 2


@pytest.mark.parametrize("command", ["embeddings", "interactions", "recommendations"])
def test_every_export_shows_an_example_in_its_help(hourglass, command: str) -> None:
    assert f"Example: hourglass export {command}" in hourglass("export", command, "--help").out


def test_standard_input_is_never_held_whole(tmp_path: Path, monkeypatch) -> None:
    from service.cli.standard_input import standard_input_as_file

    sizes: list[int] = []

    class Stream(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            sizes.append(size or -1)
            return super().read(size)

    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=Stream(b"x" * (3 << 20))))
    with standard_input_as_file(tmp_path) as path:
        assert path.stat().st_size == 3 << 20
    assert set(sizes) == {1 << 20}
    assert not list(tmp_path.iterdir())
