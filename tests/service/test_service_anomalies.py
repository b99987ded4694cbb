"""What was found strange, over HTTP."""

from datetime import datetime

from flask.testing import FlaskClient

from pipelines.storage.anomalies import WATCH, NewAnomaly, replace_anomalies
from service.app import Hourglass
from service.context import EXTENSION
from tests.service.conftest import LIKES


def put_found(app: Hourglass, now: datetime) -> None:
    found = [
        NewAnomaly((user_id,), float(num), 0.1, num > 2, user_id=user_id)
        for num, user_id in enumerate(LIKES)
    ]
    with app.extensions[EXTENSION].writing() as session:
        replace_anomalies(
            session, finder=WATCH, subject="user", source="a1", found=found, run_id="r1", now=now
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


def test_wrong_filters_are_named(client: FlaskClient) -> None:
    assert client.get("/v1/anomalies").get_json() == {"anomalies": [], "next_cursor": None}
    for query, field in [("subject=cat", "subject"), ("max_p_value=2", "max_p_value")]:
        answer = client.get(f"/v1/anomalies?{query}")
        assert answer.status_code == 422
        assert [error["pointer"] for error in answer.get_json()["errors"]] == [f"/{field}"]
    assert client.get("/v1/anomalies?cursor=x").status_code == 422
    assert client.get("/v1/anomalies/none").status_code == 404
