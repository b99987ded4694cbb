"""Drift and metrics over HTTP."""

from datetime import datetime

from flask.testing import FlaskClient

from pipelines.storage.anomalies import WATCH
from pipelines.storage.drifts import put_drift
from service.app import Hourglass
from tests.service.test_service_anomalies import put_found
from tests.service.test_service_detectors import fit, parts_of
from tests.watch.test_detector_scores import numbers, rows_of

INPUT = {
    "psi": 0.5,
    "statistic": 0.4,
    "p_value": 0.0001,
    "adjusted_p": 0.0005,
    "n_reference": 1000,
    "n_now": 900,
    "needed": 126,
    "drifted": True,
}


def put_report(app: Hourglass, now: datetime) -> None:
    few = {**INPUT, "psi": None, "drifted": False}
    with parts_of(app).writing() as session:
        put_drift(
            session,
            finder=WATCH,
            source="a1",
            status="drifted",
            inputs={"weight": few, "history-length": INPUT},
            run_id="r1",
            now=now,
        )


def test_drift_is_told_with_reason_and_remedy(
    app: Hourglass, client: FlaskClient, now: datetime
) -> None:
    nothing = client.get("/v1/drift").json
    assert (nothing["status"], nothing["reports"]) == ("unknown", [])
    assert "hourglass watch" in nothing["note"]
    put_report(app, now)
    told = client.get("/v1/drift").json
    [report] = told["reports"]
    assert told["status"] == report["status"] == "drifted"
    assert [each["input"] for each in report["inputs"]] == ["history-length", "weight"]
    assert report["alert"]["reason"] == "Drifted since a1 was trained: history-length (PSI 0.50)."


def test_rows_are_compared_with_those_of_training_column_by_column(
    app: Hourglass, client: FlaskClient
) -> None:
    many = [
        {**row, "plan": ["free", "paid"][num % 2]} for num, row in enumerate(rows_of(numbers(400)))
    ]
    asked = client.post("/v1/detectors", json={"form": "fast", "rows": many}).json
    detector_id = fit(app, asked)
    url = f"/v1/detectors/{detector_id}/drift"
    same = client.post(url, json={"rows": many[:300]}).json
    assert (same["status"], same["finder"], same["alert"]) == ("none", detector_id, None)
    other = [{**row, "age": row["age"] + 30, "plan": "gold"} for row in many[:300]]
    moved = client.post(url, json={"rows": other}).json
    drifted = {each["input"] for each in moved["inputs"] if each["drifted"]}
    assert {"age", "plan"} <= drifted
    assert not drifted & {"height", "weight"}
    assert "Fit a new detector" in moved["alert"]["remedy"]
    assert client.get("/v1/drift").json["reports"][0]["status"] == "drifted"
    assert client.post(url, json={"rows": [{"height": 1}]}).status_code == 422
    assert client.delete(f"/v1/detectors/{detector_id}").status_code == 204
    assert client.get("/v1/drift").json["reports"] == []


def test_metrics_are_those_of_the_database(
    trained_app: Hourglass, trained_client: FlaskClient, now: datetime
) -> None:
    put_found(trained_app, now, source=str(parts_of(trained_app).active.artifact_id))
    put_report(trained_app, now)
    answer = trained_client.get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain")
    lines = answer.text.splitlines()
    assert 'hourglass_anomalies{subject="user"} 4.0' in lines
    assert 'hourglass_alerts_open{subject="user"} 1.0' in lines
    assert 'hourglass_labels{label="right",subject="user"} 0.0' in lines
    assert 'hourglass_drift_psi{finder="watch",input="history-length"} 0.5' in lines
    assert 'hourglass_drift{finder="watch",input="weight"} 0.0' in lines
    assert not any("drift_psi" in line and "weight" in line for line in lines)
