"""Runs, artifacts and schedules over HTTP."""

from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient

from service.app import Hourglass
from service.context import EXTENSION


def start(client: FlaskClient, **body: object) -> Any:
    return client.post("/v1/runs", json={"config": "denoising", **body})


def test_a_run_is_queued_and_can_be_followed(client: FlaskClient) -> None:
    answer = start(client, seed=7, epochs=3)
    assert answer.status_code == 202
    assert answer.json == {"run_id": answer.json["run_id"], "status": "queued"}
    followed = client.get(answer.headers["Location"])
    assert followed.json["status"] == "queued"
    assert followed.json["settings"]["seed"] == 7
    assert followed.json["settings"]["fit"]["epochs"] == 3
    assert followed.json["progress"] is None


def test_runs_are_listed_newest_first_in_pages(client: FlaskClient) -> None:
    run_ids = [start(client).json["run_id"] for _ in range(3)]
    first = client.get("/v1/runs?limit=2").json
    second = client.get(f"/v1/runs?limit=2&cursor={first['next_cursor']}").json
    found = [run["run_id"] for page in (first, second) for run in page["runs"]]
    assert found == run_ids[::-1]
    assert second["next_cursor"] is None


def test_a_run_is_cancelled_once(client: FlaskClient) -> None:
    url = start(client).headers["Location"]
    assert client.delete(url).status_code == 202
    assert client.get(url).json["status"] == "cancelled"
    again = client.delete(url)
    assert again.status_code == 409
    assert "cancelled already" in again.json["detail"]
    assert client.delete("/v1/runs/nobody").status_code == 404
    assert client.get("/v1/runs/nobody").status_code == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"config": "nothing"}, "/config"),
        ({}, "/config"),
        ({"config": "denoising", "seed": -1}, "/seed"),
        ({"config": "denoising", "seed": 2**63}, "/seed"),
        ({"config": "denoising", "epochs": 0}, "/epochs"),
        ({"config": "denoising", "epochs": "3"}, "/epochs"),
        ({"config": "denoising", "kind": "deep"}, "/kind"),
    ],
)
def test_a_wrong_run_is_refused_by_field(
    client: FlaskClient, body: dict[str, object], pointer: str
) -> None:
    answer = client.post("/v1/runs", json=body)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == pointer
    assert client.get("/v1/runs").json["runs"] == []


def test_a_run_under_way_tells_how_far_it_is(app: Hourglass, client: FlaskClient) -> None:
    from pipelines.runs.reporting import Reporter
    from pipelines.storage.runs import update_run
    from pipelines.training.progress import Progress

    run_id = start(client).json["run_id"]
    parts = app.extensions[EXTENSION]
    with parts.writing() as session:
        update_run(session, run_id=run_id, status="running", started_at=datetime.now(UTC))
    Reporter(parts.engine, run_id)(Progress("fitting", 3, 4, epoch=3, epochs=4, loss=0.5))
    run = client.get(f"/v1/runs/{run_id}").json
    assert (run["status"], run["phase"]) == ("running", "fitting")
    assert (run["progress"]["fraction"], run["progress"]["epoch"]) == (0.75, 3)


def test_artifacts_are_listed_read_and_rolled_back_from(trained_client: FlaskClient) -> None:
    [listed] = trained_client.get("/v1/artifacts").json["artifacts"]
    assert listed["status"] == "active"
    url = f"/v1/artifacts/{listed['artifact_id']}"
    assert trained_client.get(url).json["manifest"]["kind"] == "denoising"
    promoted = trained_client.post(f"{url}/promote")
    assert (promoted.status_code, promoted.json["status"]) == (200, "active")
    nowhere = trained_client.post("/v1/artifacts/rollback")
    assert nowhere.status_code == 409
    assert trained_client.post("/v1/artifacts/nothing/promote").status_code == 404
    assert trained_client.get("/v1/artifacts/nothing").status_code == 404


def test_a_schedule_is_set_read_paused_triggered_and_removed(client: FlaskClient) -> None:
    url, body = "/v1/schedules/nightly", {"config": "denoising", "cron": "0 3 * * 1-5"}
    created = client.put(url, json=body)
    assert created.status_code == 201
    assert (created.json["timezone"], created.json["paused"]) == ("UTC", False)
    assert client.put(url, json=body).status_code == 200
    assert client.get(url).json["due_at"]
    assert client.post(f"{url}/pause").json["paused"] is True
    assert client.post(f"{url}/resume").json["paused"] is False
    triggered = client.post(f"{url}/trigger")
    assert triggered.status_code == 202
    assert client.get(triggered.headers["Location"]).json["status"] == "queued"
    assert [row["name"] for row in client.get("/v1/schedules").json["schedules"]] == ["nightly"]
    assert client.delete(url).status_code == 204
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/pause"), ("POST", "/trigger")):
        assert client.open(url + path, method=method).status_code == 404


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"cron": "0 3 * *"}, "/cron"),
        ({"cron": "\0"}, "/cron"),
        ({"timezone": "Mars"}, "/timezone"),
        ({"config": "nothing"}, "/config"),
        ({"after_interactions": 5}, "/cron"),
        ({"cron": None}, "/cron"),
        ({"cron": None, "after_interactions": 0}, "/after_interactions"),
        ({"cron": None, "after_interactions": 10**20}, "/after_interactions"),
    ],
)
def test_a_wrong_schedule_is_refused_by_field(
    client: FlaskClient, change: dict[str, object], pointer: str
) -> None:
    body = {"config": "denoising", "cron": "0 3 * * 1-5", **change}
    answer = client.put("/v1/schedules/nightly", json=body)
    assert answer.status_code == 422, answer.json
    assert answer.json["errors"][0]["pointer"] == pointer
    assert client.get("/v1/schedules").json["schedules"] == []
