"""Labels over HTTP: given, heeded at once, taken back exactly; what a detector learns of them."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from pipelines.registry.store import Store
from pipelines.runs.chains import CHAINS
from pipelines.watch.reweighting import WEIGHTS
from pipelines.workflows import carry_out
from service.app import Hourglass
from tests.service.test_service_anomalies import put_found
from tests.service.test_service_detectors import ROWS, SETTINGS, fit, parts_of

STRANGE = [
    {"height": 230.0, "weight": 70.0, "age": 40.0, "plan": "free"},
    {"height": 170.0, "weight": 70.0, "age": 190.0, "plan": "free"},
    {"height": 171.0, "weight": 71.0, "age": 41.0, "plan": "paid"},
]


@pytest.fixture
def detector_id(app: Hourglass, client: FlaskClient) -> str:
    return fit(app, client.post("/v1/detectors", json={**SETTINGS, "rows": ROWS}).json)


def scored(client: FlaskClient, detector_id: str, **options: Any) -> dict[str, Any]:
    body = {"rows": STRANGE, "alert_rate": 0.1, **options}
    answer = client.post(f"/v1/detectors/{detector_id}/score", json=body)
    assert answer.status_code == 200, answer.json
    document: dict[str, Any] = answer.json
    return document


def feedback(client: FlaskClient, anomaly_id: str, label: str) -> Any:
    url = f"/v1/anomalies/{anomaly_id}/feedback?alert_rate=0.1"
    return client.post(url, json={"label": label, "note": "seen"})


def test_a_label_moves_the_threshold_at_once_and_undo_restores_it(
    client: FlaskClient, detector_id: str
) -> None:
    before = scored(client, detector_id)
    kept = scored(client, detector_id, keep=True)["rows"]
    ids = [row["anomaly_id"] for row in kept]
    told = feedback(client, ids[2], "right").json  # a usual row, now a confirmed anomaly
    assert told["before"]["n_labels"] == 0
    assert told["after"]["threshold"] < told["before"]["threshold"]
    assert told["after"]["labelled_errors"] == 0
    assert told["after"]["n_alerts"] == 3
    assert told["after"]["promised_rate"] > 0.1
    after = scored(client, detector_id)
    assert [row["is_anomaly"] for row in after["rows"]] == [True] * 3
    assert after["threshold"] == told["after"]["threshold"]
    assert "labels moved it" in after["notes"][-1]

    [found] = client.get("/v1/anomalies?label=right").json["anomalies"]
    assert (found["anomaly_id"], found["note"], found["subject"]) == (ids[2], "seen", "row")
    undone = client.delete(f"/v1/anomalies/{ids[2]}/feedback?alert_rate=0.1").json
    assert (undone["label"], undone["after"]) == (None, told["before"])
    assert scored(client, detector_id) == before


def test_false_alarms_count_among_usual_rows(client: FlaskClient, detector_id: str) -> None:
    [first, *_] = scored(client, detector_id, keep=True)["rows"]
    before = scored(client, detector_id)
    assert feedback(client, first["anomaly_id"], "false-alarm").status_code == 200
    after = scored(client, detector_id)
    assert after["n_calibration"] == before["n_calibration"] + 1
    assert after["rows"][0]["p_value"] > before["rows"][0]["p_value"]


def test_wrong_labels_are_named(client: FlaskClient, detector_id: str) -> None:
    [first, *_] = scored(client, detector_id, keep=True)["rows"]
    anomaly_id = first["anomaly_id"]
    wrong = feedback(client, anomaly_id, "perhaps")
    assert wrong.status_code == 422
    assert wrong.json["errors"][0]["pointer"] == "/label"
    assert feedback(client, "none", "right").status_code == 404
    assert client.delete(f"/v1/anomalies/{anomaly_id}/feedback").status_code == 409
    assert feedback(client, anomaly_id, "right").status_code == 200
    second = feedback(client, anomaly_id, "false-alarm")
    assert second.status_code == 409
    assert "--undo" in second.json["detail"]


def test_a_detector_is_weighed_anew_by_a_run_and_back(
    app: Hourglass, client: FlaskClient, detector_id: str
) -> None:
    early = client.post(f"/v1/detectors/{detector_id}/reweight")
    assert early.status_code == 409
    assert "0 are labelled right" in early.json["detail"]
    high, old, _ = (row["anomaly_id"] for row in scored(client, detector_id, keep=True)["rows"])
    feedback(client, high, "right")
    feedback(client, old, "false-alarm")
    before = scored(client, detector_id)
    asked = client.post(f"/v1/detectors/{detector_id}/reweight")
    assert asked.status_code == 202
    assert scored(client, detector_id) == before
    parts, run_id = parts_of(app), asked.json["run_id"]
    for name, _ in CHAINS[WEIGHTS].steps:
        store = Store(parts.settings.store_url)
        carry_out(parts.engine, store, parts.settings.home, step=name, run_id=run_id)
    run = client.get(f"/v1/runs/{run_id}").json
    assert (run["status"], run["metrics"]["version"]) == ("finished", 1), run["error"]
    weights = client.get(f"/v1/detectors/{detector_id}/weights").json
    assert weights["weights"]["height"] > weights["weights"]["age"]
    assert weights["figures"]["n_labels"] == 2
    after = scored(client, detector_id)
    assert after["version"] == 1
    [tall, aged, _] = after["rows"]
    assert tall["anomaly_score"] / aged["anomaly_score"] > (
        before["rows"][0]["anomaly_score"] / before["rows"][1]["anomaly_score"]
    )
    undone = client.delete(f"/v1/detectors/{detector_id}/weights").json
    assert (undone["version"], set(undone["weights"].values())) == (0, {1.0})
    assert scored(client, detector_id) == before
    assert client.delete(f"/v1/detectors/{detector_id}/weights").status_code == 409


def test_a_label_whose_source_is_gone_is_kept_and_says_so(
    trained_app: Hourglass, trained_client: FlaskClient, now: Any
) -> None:
    put_found(trained_app, now)
    [first, *_] = trained_client.get("/v1/anomalies").json["anomalies"]
    told = feedback(trained_client, first["anomaly_id"], "right").json
    assert (told["before"], told["after"]) == (None, None)
    assert "the label is stored" in told["notes"][0]
