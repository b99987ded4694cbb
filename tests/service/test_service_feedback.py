"""Labels over HTTP: given, heeded at once, taken back exactly; what a detector learns of them."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from pipelines.registry.store import Store
from pipelines.runs.chains import CHAINS
from pipelines.storage.anomalies import WATCH, NewAnomaly, anomaly_id_of, replace_anomalies
from pipelines.storage.looks import StoredLook, put_look
from pipelines.storage.runs import add_run
from pipelines.watch.config import WatchConfig
from pipelines.watch.reweighting import WEIGHTS
from pipelines.workflows import carry_out, run_watch
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


def feedback(client: FlaskClient, anomaly_id: str, label: str, alert_rate: float = 0.1) -> Any:
    url = f"/v1/anomalies/{anomaly_id}/feedback?alert_rate={alert_rate}"
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
    assert [row["stale"] for row in client.get("/v1/anomalies").json["anomalies"]] == [True] * 3
    after = scored(client, detector_id)
    assert after["version"] == 1
    [tall, aged, _] = after["rows"]
    assert tall["anomaly_score"] / aged["anomaly_score"] > (
        before["rows"][0]["anomaly_score"] / before["rows"][1]["anomaly_score"]
    )
    undone = client.delete(f"/v1/detectors/{detector_id}/weights").json
    assert (undone["version"], set(undone["weights"].values())) == (0, {1.0})
    assert scored(client, detector_id) == before
    assert [row["stale"] for row in client.get("/v1/anomalies").json["anomalies"]] == [False] * 3
    assert client.delete(f"/v1/detectors/{detector_id}/weights").status_code == 409


def test_a_label_whose_source_is_gone_is_kept_and_says_so(
    trained_app: Hourglass, trained_client: FlaskClient, now: Any
) -> None:
    put_found(trained_app, now)
    [first, *_] = trained_client.get("/v1/anomalies").json["anomalies"]
    told = feedback(trained_client, first["anomaly_id"], "right").json
    assert (told["before"], told["after"]) == (None, None)
    assert "No threshold moves" in told["notes"][0]
    undone = trained_client.delete(f"/v1/anomalies/{first['anomaly_id']}/feedback").json
    assert (undone["label"], undone["notes"]) == (None, told["notes"])


def test_labels_of_images_move_the_threshold_that_the_last_look_kept(
    trained_app: Hourglass, trained_client: FlaskClient, now: Any
) -> None:
    items = [f"song-{num}" for num in range(1, 6)]
    found = [
        NewAnomaly((item_id,), 10.0 - num, (num + 1) / 5, num < 1, item_id=item_id)
        for num, item_id in enumerate(items)
    ]
    config, about = WatchConfig(alert_rate=0.2), {"finder": WATCH, "subject": "image"}
    look = StoredLook("i1", among=True, scores=[each.score for each in found])
    with parts_of(trained_app).writing() as session:
        add_run(session, run_id="r1", config="watch", settings=config.values(), now=now)
        replace_anomalies(session, **about, source="i1", found=found, run_id="r1", now=now)
        put_look(session, **about, look=look)

    def alarms() -> list[str]:
        rows = trained_client.get("/v1/anomalies?subject=image&is_anomaly=true").json["anomalies"]
        return [row["item_id"] for row in rows]

    anomaly_id = anomaly_id_of(WATCH, "image", (items[2],))
    assert alarms() == items[:1]
    told = feedback(trained_client, anomaly_id, "right", 0.2).json
    assert (told["before"]["threshold"], told["before"]["n_alerts"]) == (
        pytest.approx(9.0, rel=2e-5),
        1,
    )
    assert (told["after"]["threshold"], told["after"]["n_alerts"]) == (
        pytest.approx(7.5, rel=2e-5),
        3,
    )
    assert alarms() == items[:3]
    undone = trained_client.delete(f"/v1/anomalies/{anomaly_id}/feedback?alert_rate=0.2").json
    assert undone["after"] == told["before"]
    assert alarms() == items[:1]


def test_before_training_labels_of_users_move_the_threshold_too(
    app: Hourglass, client: FlaskClient
) -> None:
    rows = [
        {"user_id": f"user-{num}", "item_id": f"item-{item}"}
        for num in range(30)
        for item in range(num % 3, 8 + num % 5)
    ]
    client.post("/v1/interactions", json={"interactions": rows})
    parts = parts_of(app)
    store = Store(parts.settings.store_url)
    config = WatchConfig(alert_rate=0.1, kept=100)
    run_watch(parts.engine, store, config, home=parts.settings.home, on_progress=lambda _: None)
    users = client.get("/v1/anomalies?subject=user&limit=100").json["anomalies"]
    usual = users[20]
    url = f"/v1/users/{usual['user_id']}/anomaly?alert_rate=0.1"
    before = client.get(url).json
    assert not before["is_anomaly"]
    told = feedback(client, usual["anomaly_id"], "right").json
    assert told["after"]["threshold"] < usual["anomaly_score"]
    assert client.get(url).json["is_anomaly"]
    client.delete(f"/v1/anomalies/{usual['anomaly_id']}/feedback")
    assert client.get(url).json == before
