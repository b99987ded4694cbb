"""`/healthz` and `/readyz`."""

from dataclasses import replace
from pathlib import Path

from flask.testing import FlaskClient

from pipelines import schema
from pipelines.settings import Settings
from service.app import create_app

UNREACHABLE = "postgresql+psycopg://nobody@127.0.0.1:1/nothing"


def test_ready_before_anything_is_trained(client: FlaskClient) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert {name: check["ok"] for name, check in answer.json["checks"].items()} == {
        "database": True,
        "schema": True,
        "artifact": True,
        "image_artifact": True,
    }


def test_ready_names_the_loaded_artifact(trained_client: FlaskClient) -> None:
    reason = trained_client.get("/readyz").json["checks"]["artifact"]["reason"]
    answer = trained_client.post("/v1/recommendations", json={"history": ["song-4"]})
    assert reason == answer.json["artifact_id"]


def test_not_ready_without_the_schema_and_the_remedy_is_named(tmp_path: Path) -> None:
    settings = Settings.from_environment({"HOURGLASS_HOME": str(tmp_path)})
    answer = create_app(settings, watch=False).test_client().get("/readyz")
    assert answer.status_code == 503
    assert answer.content_type == "application/problem+json"
    assert answer.json["checks"]["database"]["ok"]
    assert "hourglass db upgrade" in answer.json["checks"]["schema"]["reason"]


def test_not_ready_when_the_artifact_cannot_be_loaded(trained_settings: Settings) -> None:
    lost = replace(trained_settings, store_url=str(trained_settings.home / "elsewhere"))
    app = create_app(lost, watch=False)
    app.extensions["hourglass"].active.refresh()
    answer = app.test_client().get("/readyz")
    assert answer.status_code == 503
    assert not answer.json["checks"]["artifact"]["ok"]


def test_database_away_is_503_everywhere_but_at_healthz(settings: Settings) -> None:
    client = create_app(replace(settings, database_url=UNREACHABLE), watch=False).test_client()
    assert client.get("/healthz").json == {"status": "ok"}
    assert client.get("/readyz").json["checks"]["database"]["ok"] is False
    for answer in (
        client.get("/v1/items"),
        client.post("/v1/recommendations", json={"history": []}),
        client.put("/v1/users/u", json={}),
    ):
        assert answer.status_code == 503
        assert answer.json["type"] == "/problems/database-unavailable"
        assert "nobody" not in answer.text
        assert "Traceback" not in answer.text


def test_a_database_that_was_never_migrated_is_503_not_500(settings: Settings) -> None:
    schema.downgrade(settings.database_url, "base")
    answer = create_app(settings, watch=False).test_client().get("/v1/items")
    assert answer.status_code == 503
