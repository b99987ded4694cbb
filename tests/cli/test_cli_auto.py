"""`hourglass train auto`: the search, its table, and the run that gives the artifact again."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from pipelines.settings import Settings
from pipelines.storage.engine import create_engine
from service.cli import main
from tests.worlds import store_world, two_tastes


@pytest.fixture
def hourglass(settings: Settings, monkeypatch: pytest.MonkeyPatch):
    """Runs a command line where two tastes are stored."""
    monkeypatch.setenv("HOURGLASS_HOME", str(settings.home))
    monkeypatch.delenv("HOURGLASS_DATABASE_URL", raising=False)
    engine = create_engine(settings.database_url)
    store_world(engine, two_tastes(120))
    engine.dispose()

    def run(*arguments: str) -> SimpleNamespace:
        result = CliRunner().invoke(main, list(arguments))
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return SimpleNamespace(code=result.exit_code, out=result.stdout, err=result.stderr)

    return run


def test_what_a_search_found_is_trained_again_to_the_same_artifact(
    hourglass, tmp_path: Path
) -> None:
    found = json.loads(hourglass("train", "auto", "--budget", "1s", "--json").out)
    assert found["promoted"]
    assert {trial["run"] for trial in found["trials"]} >= {"normalised", "wmf", "recvae"}
    file = tmp_path / "run.json"
    file.write_text(hourglass("artifacts", "run", found["artifact_id"]).out)
    again = json.loads(hourglass("train", str(file), "--json").out)
    assert again["artifact_id"] == found["artifact_id"]
    skipped = json.loads(hourglass("train", "auto", "--budget", "1s", "--once", "--json").out)
    assert skipped == {"config": "auto", "current": True}
    answer = hourglass("recommend", "--item", "item-000", "--item", "item-002", "--json")
    assert json.loads(answer.out)["artifact_id"] == found["artifact_id"]


def test_the_table_of_trials_is_printed(hourglass, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        'kind = "joint"\n[network]\nmembers = []\n[search]\nbudget_seconds = 1\n'
        'candidates = ["edlae", "elsa"]\n'
    )
    lines = hourglass("train", str(file)).out.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["tried", "edlae", "elsa"]
    assert "mine-" in "".join(lines)


def test_what_cannot_be_searched_is_refused(hourglass, tmp_path: Path) -> None:
    refused = hourglass("train", "edlae", "--budget", "20m", "--json")
    assert (refused.code, json.loads(refused.out)["errors"][0]["pointer"]) == (1, "/budget_seconds")
    misused = hourglass("train", "auto", "--budget", "soon")
    assert (misused.code, "20m" in misused.err) == (2, True)
    for content, named in (("kind = 3 =", "TOML"), ("a = 1", "`kind`")):
        (tmp_path / "bad.toml").write_text(content)
        result = hourglass("train", str(tmp_path / "bad.toml"))
        assert (result.code, named in result.err) == (1, True)
    assert "no file" in hourglass("train", "missing.toml").err
    assert hourglass("artifacts", "run", "nobody").code == 1
