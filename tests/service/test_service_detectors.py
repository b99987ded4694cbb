"""Detectors over HTTP: asked for, fitted by the worker's steps, listed, scored, deleted."""

import gzip
import io
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from flask.testing import FlaskClient

from models.detectors import image_members
from pipelines.registry.store import Store
from pipelines.runs.chains import CHAINS
from pipelines.watch.settings import DETECTORS
from pipelines.workflows import carry_out
from service.app import Hourglass
from service.context import EXTENSION, Context
from tests.detectors.test_windows import waves
from tests.pictures import png
from tests.watch.test_detector_scores import numbers, rows_of

ROWS = [{**row, "plan": ["free", "paid"][num % 2]} for num, row in enumerate(rows_of(numbers(60)))]
CSV = "\n".join(
    ["height,weight,age,plan", *(",".join(map(str, row.values())) for row in ROWS)]
).encode()
SETTINGS = {"name": "people", "form": "fast", "seed": 5}


def parts_of(app: Hourglass) -> Context:
    parts: Context = app.extensions[EXTENSION]
    return parts


def fit(app: Hourglass, asked: dict[str, Any]) -> str:
    """Carry out the run of what was asked for; the detector's id."""
    parts = parts_of(app)
    store = Store(parts.settings.store_url)
    for name, _ in CHAINS[DETECTORS].steps:
        carry_out(parts.engine, store, parts.settings.home, step=name, run_id=asked["run_id"])
    return str(asked["detector_id"])


@pytest.fixture
def detector_id(app: Hourglass, client: FlaskClient) -> str:
    return fit(app, client.post("/v1/detectors", json={**SETTINGS, "rows": ROWS}).json)


def test_rows_csv_and_parquet_ask_for_the_same_detector(client: FlaskClient) -> None:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS), file)
    answers = [
        client.post("/v1/detectors", json={**SETTINGS, "rows": ROWS}),
        *(
            client.post(
                "/v1/detectors", query_string=SETTINGS, data=content, content_type=media_type
            )
            for content, media_type in (
                (CSV, "text/csv"),
                (gzip.compress(CSV), "application/gzip"),
                (file.getvalue(), "application/vnd.apache.parquet"),
            )
        ),
    ]
    assert [answer.status_code for answer in answers] == [202] * 4
    assert len({answer.json["detector_id"] for answer in answers}) == 1
    assert answers[0].json["status"] == "queued"
    assert answers[0].headers["Location"] == f"/v1/detectors/{answers[0].json['detector_id']}"


def test_a_detector_is_read_listed_and_removed(client: FlaskClient, detector_id: str) -> None:
    detail = client.get(f"/v1/detectors/{detector_id}").json
    assert (detail["status"], detail["over"], detail["error"]) == ("ready", "table", None)
    assert detail["manifest"]["n_train"] == 48
    other = client.post("/v1/detectors", json={"rows": ROWS}).json["detector_id"]
    first = client.get("/v1/detectors?limit=1").json
    rest = client.get("/v1/detectors", query_string={"cursor": first["next_cursor"]}).json
    listed = [each["detector_id"] for each in first["detectors"] + rest["detectors"]]
    assert listed == [other, detector_id]
    assert client.delete(f"/v1/detectors/{detector_id}").status_code == 204
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/score")):
        answer = client.open(f"/v1/detectors/{detector_id}{path}", method=method, json={"rows": []})
        assert answer.status_code == 404, method
    assert client.get(f"/v1/detectors/{other}").json["status"] == "queued"


def test_rows_are_scored_with_reasons_and_bad_ones_listed(
    client: FlaskClient, detector_id: str
) -> None:
    usual = {"height": 170, "weight": 70, "age": 30, "plan": "free"}
    rows = [usual, {**usual, "weight": 170}, {**usual, "age": "old"}, {**usual, "plan": None}]
    sent = {"rows": rows, "alert_rate": 0.1}
    answer = client.post(f"/v1/detectors/{detector_id}/score", json=sent).json
    assert [row["row"] for row in answer["rows"]] == [0, 1, 3]
    assert [row["is_anomaly"] for row in answer["rows"]][:2] == [False, True]
    first = answer["rows"][1]["contributions"][0]
    assert (first["column"], first["observed"]) == ("weight", 170)
    assert answer["problems"] == [
        {"row": 2, "column": "age", "detail": "age is 'old'; it must be a number."}
    ]
    assert (answer["n_calibration"], answer["notes"]) == (12, [])
    plain = client.post(
        f"/v1/detectors/{detector_id}/score?contributions=false&alert_rate=0.1&n=1",
        data=b"height,weight,age,plan\n170,70,30,free\n170,170,30,free\n",
        content_type="text/csv",
    ).json
    assert [(row["row"], row["contributions"]) for row in plain["rows"]] == [(1, [])]
    assert plain["rows"][0]["anomaly_score"] == answer["rows"][1]["anomaly_score"]
    assert (plain["n_scored"], plain["n_anomalies"]) == (2, 1)


def test_a_plan_stores_nothing(client: FlaskClient) -> None:
    rows = [*ROWS[:20], {**ROWS[0], "height": float("inf")}, {"height": 1}]
    plan = client.post("/v1/detectors:validate", json={"rows": rows, "ignore": ["age"]}).json
    assert (plan["n_rows"], plan["n_usable"], plan["n_problems"]) == (22, 20, 2)
    assert plan["smallest_alert_rate"] == pytest.approx(1 / 5)
    assert [each["column"] for each in plan["left_out"]] == ["age"]
    assert [each["row"] for each in plan["problems"]] == [20, 21]
    assert client.get("/v1/detectors").json["detectors"] == []


@pytest.mark.parametrize(
    ("sent", "status", "pointer"),
    [
        ({"json": {}}, 422, "/rows"),
        ({"json": {"rows": []}}, 422, None),
        ({"json": {"rows": [1, 2]}}, 422, None),
        ({"json": {"rows": ROWS, "regime": "dirty"}}, 422, "/regime"),
        ({"json": {"rows": ROWS, "categorical": ["shoe"]}}, 422, "/categorical"),
        ({"json": {"rows": ROWS, "colour": 1}}, 422, "/colour"),
        ({"json": {"rows": ROWS, "over": "users"}}, 422, "/rows"),
        ({"json": {"rows": [{"a": "x"}], "seed": "1"}}, 422, "/seed"),
        ({"data": CSV, "query_string": {"sede": 1}, "content_type": "text/csv"}, 422, "/sede"),
        ({"data": b"a,a\n1,2\n", "content_type": "text/csv"}, 422, None),
        ({"data": b"a\n", "content_type": "text/csv"}, 422, None),
        ({"data": b"", "content_type": "text/csv"}, 422, None),
        ({"data": CSV, "content_type": "text/html"}, 415, None),
        ({"json": {"rows": ROWS}, "query_string": {"seed": 1}}, 422, "/seed"),
        ({"data": b"{", "content_type": "application/json"}, 400, None),
    ],
)
@pytest.mark.parametrize("path", ["/v1/detectors", "/v1/detectors:validate"])
def test_what_cannot_be_fitted_is_refused_at_once(
    client: FlaskClient, path: str, sent: dict[str, Any], status: int, pointer: str | None
) -> None:
    answer = client.post(path, **sent)
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    pointers = [each["pointer"] for each in answer.json["errors"]]
    assert pointer is None or pointer in pointers, answer.json


@pytest.mark.parametrize(
    ("sent", "pointer"),
    [
        ({"rows": [{"height": 1}]}, "/rows/0"),
        ({"ids": ["client-1"]}, "/rows"),
        ({}, "/rows"),
        ({"rows": ROWS[:1], "alert_rate": 0}, "/alert_rate"),
        ({"rows": ROWS[:1], "alert_rate": 0.1, "false_discovery_rate": 0.1}, "/false_discov"),
    ],
)
def test_what_cannot_be_scored_is_refused(
    client: FlaskClient, detector_id: str, sent: dict[str, Any], pointer: str
) -> None:
    answer = client.post(f"/v1/detectors/{detector_id}/score", json=sent)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"].startswith(pointer), answer.json


def test_a_detector_that_waits_or_failed_says_so(app: Hourglass, client: FlaskClient) -> None:
    asked = client.post("/v1/detectors", json={**SETTINGS, "rows": ROWS}).json
    address = f"/v1/detectors/{asked['detector_id']}/score"
    waiting = client.post(address, json={"rows": ROWS[:1]})
    assert (waiting.status_code, waiting.json["type"]) == (503, "/problems/not-ready")
    assert asked["run_id"] in waiting.json["detail"]
    assert client.delete(f"/v1/runs/{asked['run_id']}").status_code == 202
    assert client.post(address, json={"rows": ROWS[:1]}).status_code == 409


def test_users_and_items_are_scored_by_what_is_stored(
    trained_app: Hourglass, trained_client: FlaskClient
) -> None:
    for over, id_name, known in (("users", "user_id", "client-4"), ("items", "item_id", "song-4")):
        sent = {"over": over, "form": "fast"}
        assert trained_client.post("/v1/detectors:validate", json=sent).json["n_usable"] > 3
        detector_id = fit(trained_app, trained_client.post("/v1/detectors", json=sent).json)
        address = f"/v1/detectors/{detector_id}/score"
        some = trained_client.post(address, json={"ids": ["nobody", known]}).json
        assert [row[id_name] for row in some["rows"]] == [known]
        assert [each["row"] for each in some["problems"]] == [0]
        everything = trained_client.post(address, json={"n": 2}).json
        assert len(everything["rows"]) == 2
        scores = [row["anomaly_score"] for row in everything["rows"]]
        assert scores == sorted(scores, reverse=True)
        assert everything["n_scored"] > 3
        assert trained_client.post(address, json={"rows": []}).status_code == 422


def test_images_are_scored_and_their_regions_named(
    app: Hourglass, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_members, "N_TREES", 20)
    assert client.post("/v1/detectors:validate", json={"over": "images"}).status_code == 503
    for num in range(6):
        client.put(f"/v1/items/i{num}/image", data=png(40 * num), content_type="image/png")
    plan = client.post("/v1/detectors:validate", json={"over": "images"}).json
    assert (plan["n_usable"], plan["columns"][0]["kind"]) == (6, "image")
    refused = client.post("/v1/detectors", json={"over": "images", "form": "fast"})
    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, "/form")
    detector_id = fit(app, client.post("/v1/detectors", json={"over": "images"}).json)
    answer = client.post(f"/v1/detectors/{detector_id}/score", json={}).json
    assert {row["item_id"] for row in answer["rows"]} == {f"i{num}" for num in range(6)}
    for row in answer["rows"]:
        whole = sum(each["contribution"] for each in row["contributions"])
        assert whole == pytest.approx(row["anomaly_score"])
    assert len(answer["rows"][0]["contributions"]) == 65


def positions(x: np.ndarray) -> list[dict[str, Any]]:
    """A series as rows."""
    return [{"at": num, "flow": flow, "heat": heat} for num, (flow, heat) in enumerate(x.tolist())]


def test_series_answer_with_their_odd_stretches(app: Hourglass, client: FlaskClient) -> None:
    sent = {"over": "series", "order": "at", "window": 8, "form": "fast", "regime": "clean"}
    rows = positions(waves(600, 0))
    asked = client.post("/v1/detectors", json={**sent, "rows": rows}).json
    address = f"/v1/detectors/{fit(app, asked)}/score"
    new = waves(100, 1)
    new[40:60, 1] = new[40, 1]
    told = positions(new)
    answer = client.post(address, json={"rows": told, "alert_rate": 0.02, "keep": True}).json
    assert len(answer["rows"]) == 100
    first = answer["stretches"][0]
    assert 30 <= first["start"] <= first["end"] <= 70
    assert (first["started_at"], first["user_id"]) == (first["start"], None)
    listed = client.get("/v1/anomalies?subject=window").json["anomalies"]
    assert first["anomaly_id"] in [each["anomaly_id"] for each in listed]
    label = client.post(
        f"/v1/anomalies/{first['anomaly_id']}/feedback", json={"label": "false-alarm"}
    )
    assert label.status_code == 200
    told[9]["at"] = told[8]["at"]
    refused = client.post(address, json={"rows": told})
    assert refused.status_code == 422
    assert refused.json["errors"][0]["pointer"] == "/rows/9/at"
    assert client.post(address, json={"ids": ["x"]}).status_code == 422


def test_a_request_without_a_body_is_one_for_all_that_is_stored(
    trained_app: Hourglass, trained_client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = trained_client.post("/v1/detectors?over=users&form=fast")
    assert asked.status_code == 202, asked.json
    address = f"/v1/detectors/{fit(trained_app, asked.json)}"
    assert trained_client.post(f"{address}/score").json["n_scored"] == 4
    assert trained_client.post(f"{address}/drift").status_code == 200
    refused = trained_client.post("/v1/detectors")
    assert refused.status_code == 422
    assert "needs rows" in refused.json["detail"]
    monkeypatch.setattr("pipelines.watch.stored_rows.MAX_FITTED", 3)  # more are there: some drawn
    plan = trained_client.post("/v1/detectors:validate?over=users").json
    assert plan["n_rows"] == 3


def test_too_much_is_refused_with_what_can_be_asked(
    client: FlaskClient, detector_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(**body: Any) -> tuple[str, str]:
        answer = client.post(f"/v1/detectors/{detector_id}/score", json={"rows": ROWS, **body})
        assert answer.status_code == 422
        [error] = answer.json["errors"]
        return error["pointer"], error["detail"]

    monkeypatch.setattr("pipelines.watch.answers.MAX_EXPLAINED", 100)
    assert refused() == (
        "/n",
        "60 rows of 4 columns have too many contributions for one answer; ask for the 25 strangest "
        "at most, by `n`, or ask without `contributions`.",
    )
    assert refused(keep=True)[1].endswith("or ask without `keep` and `contributions`.")
    assert refused(keep=True, contributions=False)[1].endswith("or ask without `keep`.")
    monkeypatch.setattr("pipelines.watch.answers.MAX_SCORED", 10)
    assert refused()[0] == "/rows"
