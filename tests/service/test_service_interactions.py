"""Interactions: stored in batches, listed by user."""

from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from service.pagination import encode_cursor

LIKE = {"user_id": "u", "item_id": "i"}


def store(client: FlaskClient, *interactions: dict[str, object]) -> dict[str, int]:
    answer = client.post("/v1/interactions", json={"interactions": list(interactions)})
    assert answer.status_code == 200, answer.json
    counts: dict[str, int] = answer.json
    return counts


def listed(client: FlaskClient, **query: object) -> dict[str, list[dict[str, object]]]:
    page: dict[str, list[dict[str, object]]] = client.get(
        "/v1/interactions", query_string=query
    ).json
    return page


def test_same_interaction_twice_changes_nothing(client: FlaskClient) -> None:
    assert store(client, LIKE) == {"new": 1, "repeated": 0, "replaced": 0}
    assert store(client, LIKE) == {"new": 0, "repeated": 1, "replaced": 0}
    assert store(client, {**LIKE, "weight": 2}) == {"new": 0, "repeated": 0, "replaced": 1}


def test_left_out_fields_have_the_contracts_defaults(client: FlaskClient) -> None:
    store(client, LIKE)
    (row,) = listed(client, user_id="u")["interactions"]
    assert row == {**LIKE, "action": "like", "weight": 1.0, "occurred_at": None}


def test_times_come_back_in_utc(client: FlaskClient) -> None:
    store(client, {**LIKE, "occurred_at": "2026-01-31T12:00:00.5+02:00"})
    (row,) = listed(client, user_id="u")["interactions"]
    assert row["occurred_at"] == "2026-01-31T10:00:00.500000Z"


def test_a_time_less_than_a_day_ahead_is_a_clock_that_runs_fast(client: FlaskClient) -> None:
    soon = datetime.now(UTC) + timedelta(hours=23)
    assert store(client, {**LIKE, "occurred_at": soon.isoformat()})["new"] == 1


def test_one_bad_interaction_stores_none(client: FlaskClient) -> None:
    batch = [{**LIKE, "item_id": str(n)} for n in range(999)] + [{**LIKE, "weight": "heavy"}]
    answer = client.post("/v1/interactions", json={"interactions": batch})
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == "/interactions/999/weight"
    assert listed(client, user_id="u")["interactions"] == []


def test_thousand_interactions_fit_and_one_more_does_not(client: FlaskClient) -> None:
    batch = [{**LIKE, "item_id": str(n)} for n in range(1000)]
    assert store(client, *batch)["new"] == 1000
    answer = client.post("/v1/interactions", json={"interactions": [*batch, LIKE]})
    assert answer.json["errors"][0]["pointer"] == "/interactions"


def test_pages_run_from_the_newest_to_the_untimed(client: FlaskClient) -> None:
    times = ["2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z", "1969-01-01T00:00:00Z", None]
    store(client, *({**LIKE, "item_id": f"i{n}", "occurred_at": t} for n, t in enumerate(times)))
    found, query = [], {"user_id": "u", "limit": 1}
    while True:
        page = listed(client, **query)
        found += [row["item_id"] for row in page["interactions"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert found == ["i1", "i0", "i3", "i2"]


@pytest.mark.parametrize("when", ["never", "2026-01-01", "0001-01-01T00:00:00+14:00"])
def test_a_cursor_without_a_time_is_refused(client: FlaskClient, when: str) -> None:
    cursor = encode_cursor("interactions", [when, "i", "like"])
    query = {"user_id": "u", "cursor": cursor}
    answer = client.get("/v1/interactions", query_string=query)
    assert answer.status_code == 422 or when == "2026-01-01"


def test_a_user_without_interactions_has_an_empty_list(client: FlaskClient) -> None:
    client.put("/v1/users/u", json={})
    assert listed(client, user_id="u") == {"interactions": [], "next_cursor": None}
