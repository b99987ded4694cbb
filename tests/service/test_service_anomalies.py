"""What was found strange, over HTTP."""

from datetime import datetime
from typing import get_args

from flask.testing import FlaskClient

from pipelines.storage.anomalies import WATCH, NewAnomaly, replace_anomalies
from pipelines.storage.watch_tables import ANOMALY_SUBJECTS, LABELS
from service.app import Hourglass
from service.context import EXTENSION
from service.schemas.anomalies import Label, Subject
from tests.service.conftest import LIKES


def put_found(app: Hourglass, now: datetime, source: str = "a1") -> None:
    found = [
        NewAnomaly((user_id,), float(num), 0.1, num > 2, user_id=user_id)
        for num, user_id in enumerate(LIKES)
    ]
    with app.extensions[EXTENSION].writing() as session:
        replace_anomalies(
            session, finder=WATCH, subject="user", source=source, found=found, run_id="r1", now=now
        )


def test_findings_are_listed_page_by_page_and_looked_at_alone(
    trained_app: Hourglass, trained_client: FlaskClient, now: datetime
) -> None:
    put_found(trained_app, now)
    page = trained_client.get("/v1/anomalies?limit=3&subject=user").get_json()
    assert [row["user_id"] for row in page["anomalies"]] == ["client-4", "client-3", "client-2"]
    [first, *_] = page["anomalies"]
    assert (first["anomaly_score"], first["is_anomaly"], first["label"]) == (3.0, True, None)
    last = trained_client.get(f"/v1/anomalies?limit=3&cursor={page['next_cursor']}").get_json()
    assert [row["user_id"] for row in last["anomalies"]] == ["client-1"]
    assert last["next_cursor"] is None
    assert trained_client.get(f"/v1/anomalies/{first['anomaly_id']}").get_json() == first


def test_findings_of_an_artifact_that_is_not_active_are_stale(
    trained_app: Hourglass, trained_client: FlaskClient, now: datetime
) -> None:
    def shown(**wanted: object) -> list[bool]:
        found = trained_client.get("/v1/anomalies", query_string=wanted).get_json()["anomalies"]
        return [row["stale"] for row in found]

    put_found(trained_app, now)
    assert shown() == shown(stale="true") == [True] * 4
    assert shown(stale="false") == []
    active = trained_app.extensions[EXTENSION].active.artifact_id
    put_found(trained_app, now, source=active)
    assert shown() == shown(stale="false") == [False] * 4
    put_found(trained_app, now, source="baseline")
    assert shown() == [True] * 4


def test_before_training_findings_by_the_baseline_are_no_longer_so_once_trained(
    app: Hourglass, client: FlaskClient, now: datetime
) -> None:
    rows = [{"user_id": user_id, "item_id": "song-1"} for user_id in LIKES]
    client.post("/v1/interactions", json={"interactions": rows})
    for source, stale in (("baseline", False), ("a1", True)):
        put_found(app, now, source=source)
        found = client.get("/v1/anomalies").get_json()["anomalies"]
        assert [row["stale"] for row in found] == [stale] * 4


def test_a_posted_history_is_judged_as_the_user_who_has_it(trained_client: FlaskClient) -> None:
    stored = trained_client.get("/v1/users/client-2/anomaly?alert_rate=0.5").get_json()
    for path in ("/v1/anomalies:score", "/v1/anomalies%3Ascore"):
        body = {"history": LIKES["client-2"], "alert_rate": 0.5}
        assert trained_client.post(path, json=body).get_json() == stored
    for row in stored["contributions"]:
        assert row["surprise"] > 0
        assert 0 < row["p_value"] <= 1
    body = {"history": ["song-1", "never-heard"]}
    answer = trained_client.post("/v1/anomalies:score", json=body).get_json()
    assert (answer["strategy"], answer["ignored"]) == ("model", ["never-heard"])
    wrong = trained_client.post("/v1/anomalies:score", json={"history": [], "alert_rate": 2})
    assert [error["pointer"] for error in wrong.get_json()["errors"]] == ["/alert_rate"]


def test_before_training_simple_features_judge(client: FlaskClient) -> None:
    rows = [
        {"user_id": f"user-{num}", "item_id": f"item-{item}"}
        for num in range(30)
        for item in range(num % 3, 8 + num % 5)
    ]
    rows += [{"user_id": "odd", "item_id": f"own-{item}"} for item in range(200)]
    client.post("/v1/interactions", json={"interactions": rows})
    odd = client.get("/v1/users/odd/anomaly?alert_rate=0.1").get_json()
    usual = client.get("/v1/users/user-4/anomaly?alert_rate=0.1").get_json()
    assert (odd["strategy"], odd["artifact_id"], odd["is_anomaly"]) == ("baseline", None, True)
    assert not usual["is_anomaly"]
    assert odd["anomaly_score"] > 10 * usual["anomaly_score"]
    total = sum(row["contribution"] for row in odd["contributions"])
    assert abs(total - odd["anomaly_score"]) < 1e-6 * total
    assert {row["feature"] for row in odd["contributions"]} == {
        "log_length",
        "mean_log_popularity",
        "share_of_own_items",
    }
    posted = client.post("/v1/anomalies:score", json={"history": ["item-3", "item-4"]}).get_json()
    assert posted["strategy"] == "baseline"
    nothing = client.post("/v1/anomalies:score", json={"history": []}).get_json()
    assert (nothing["anomaly_score"], nothing["p_value"]) == (0, 1)
    assert client.get("/v1/users/nobody/anomaly").status_code == 404


def test_words_of_the_api_are_those_of_the_tables() -> None:
    assert get_args(Label) == LABELS
    assert get_args(Subject) == ANOMALY_SUBJECTS


def test_wrong_filters_are_named(client: FlaskClient) -> None:
    assert client.get("/v1/anomalies").get_json() == {"anomalies": [], "next_cursor": None}
    for query, field in [("subject=cat", "subject"), ("max_p_value=2", "max_p_value")]:
        answer = client.get(f"/v1/anomalies?{query}")
        assert answer.status_code == 422
        assert [error["pointer"] for error in answer.get_json()["errors"]] == [f"/{field}"]
    assert client.get("/v1/anomalies?cursor=x").status_code == 422
    assert client.get("/v1/anomalies/none").status_code == 404
