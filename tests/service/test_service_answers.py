"""The four questions, asked of a trained network, and what is answered before there is one."""

import math
from typing import Any

import pytest
from flask.testing import FlaskClient

NETWORK_NEEDED = [
    ("POST", "/v1/reconstructions", {"history": ["song-4"]}),
    ("GET", "/v1/users/client-4/embedding", None),
    ("GET", "/v1/items/song-4/embedding", None),
    ("GET", "/v1/items/song-4/similar", None),
]


def ask(client: FlaskClient, method: str, path: str, body: object = None) -> dict[str, Any]:
    answer = client.open(path, method=method, json=body)
    assert answer.status_code == 200, answer.json
    document: dict[str, Any] = answer.json
    return document


def recommend(client: FlaskClient, **body: object) -> dict[str, Any]:
    return ask(client, "POST", "/v1/recommendations", body)


def ids(answer: dict[str, Any]) -> list[str]:
    return [entry["item_id"] for entry in answer["recommendations"]]


def test_posted_history_is_answered_by_the_network(trained_client: FlaskClient) -> None:
    answer = recommend(trained_client, history=["song-4"], n=3)
    assert answer["strategy"] == "model"
    assert answer["artifact_id"]
    assert answer["ignored"] == []
    assert set(answer["recommendations"][0]) == {"item_id", "score", "title"}
    assert len(ids(answer)) == 3
    assert "song-4" not in ids(answer)
    scores = [entry["score"] for entry in answer["recommendations"]]
    assert scores == sorted(scores, reverse=True)


def test_unknown_items_are_ignored_by_name_and_the_rest_serves(trained_client: FlaskClient) -> None:
    answer = recommend(trained_client, history=["song-4", "no such song"])
    assert answer["ignored"] == ["no such song"]
    assert ids(answer) == ids(recommend(trained_client, history=["song-4"]))


@pytest.mark.parametrize("body", [{"history": []}, {"history": ["nope"]}, {"user_id": "nobody"}])
def test_without_usable_history_the_popular_is_answered(
    trained_client: FlaskClient, body: dict[str, Any]
) -> None:
    answer = recommend(trained_client, **body)
    assert (answer["strategy"], answer["artifact_id"]) == ("popularity", None)
    assert ids(answer)[0] == "song-4"


def test_excluded_items_never_come(trained_client: FlaskClient) -> None:
    for body in ({"history": ["song-4"]}, {"history": []}):
        assert "song-1" not in ids(recommend(trained_client, exclude_ids=["song-1"], **body))


def test_seen_items_come_only_when_asked_for(trained_client: FlaskClient) -> None:
    path = "/v1/users/client-4/recommendations"
    assert "song-4" not in ids(ask(trained_client, "GET", path))
    assert "song-4" in ids(ask(trained_client, "GET", f"{path}?exclude_seen=false"))
    assert len(ids(ask(trained_client, "GET", f"{path}?n=1"))) == 1


def test_a_user_who_arrived_a_second_ago_is_served(trained_client: FlaskClient) -> None:
    rows = [{"user_id": "new", "item_id": "song-4"}]
    ask(trained_client, "POST", "/v1/interactions", {"interactions": rows})
    answer = recommend(trained_client, user_id="new")
    assert (
        answer["recommendations"]
        == recommend(trained_client, history=["song-4"])["recommendations"]
    )


def test_a_hidden_item_is_not_recommended(trained_client: FlaskClient) -> None:
    trained_client.patch("/v1/items/song-1", json={"hidden": True})
    assert "song-1" not in ids(recommend(trained_client, history=["song-4"]))


def test_reconstruction_sums_over_all_items(trained_client: FlaskClient) -> None:
    body = {"history": ["song-4", "nope"]}
    whole = ask(trained_client, "POST", "/v1/reconstructions", body)
    short = ask(trained_client, "POST", "/v1/reconstructions", {**body, "n": 2})
    errors = [entry["error"] for entry in whole["reconstruction"]]
    assert errors == sorted(errors, reverse=True)
    assert whole["n_items"] == len(errors)
    assert math.isclose(whole["error"], sum(errors), rel_tol=1e-5)
    assert short["reconstruction"] == whole["reconstruction"][:2]
    assert (short["error"], short["ignored"]) == (whole["error"], ["nope"])
    by_user = ask(trained_client, "POST", "/v1/reconstructions", {"user_id": "client-4"})
    assert by_user["reconstruction"] == whole["reconstruction"]


def test_embeddings_of_users_and_items_share_the_decoder_space(trained_client: FlaskClient) -> None:
    user = ask(trained_client, "GET", "/v1/users/client-4/embedding")
    item = ask(trained_client, "GET", "/v1/items/song-4/embedding")
    assert user["space"] == item["space"] == "decoder"
    assert user["artifact_id"] == item["artifact_id"]
    assert len(user["embedding"]) == len(item["embedding"])
    asked = {"user_id": "client-4", "n": 3, "exclude_seen": False}
    ranked = ask(trained_client, "POST", "/v1/recommendations", asked)["recommendations"]
    [score] = [row["score"] for row in ranked if row["item_id"] == "song-4"] or [None]
    dot = sum(a * b for a, b in zip(user["embedding"], item["embedding"], strict=True))
    assert dot + item["bias"] == pytest.approx(score, abs=1e-5)
    code = ask(trained_client, "GET", "/v1/users/client-4/embedding?space=code")
    assert code["space"] == "code"


def test_similar_items_leave_out_the_item_itself(trained_client: FlaskClient) -> None:
    answer = ask(trained_client, "GET", "/v1/items/song-4/similar?n=2")
    found = [entry["item_id"] for entry in answer["items"]]
    assert len(found) == 2
    assert "song-4" not in found
    assert answer["artifact_id"]


def test_contributions_sum_to_the_anomaly_score(trained_client: FlaskClient) -> None:
    answer = ask(trained_client, "GET", "/v1/users/client-2/anomaly?alert_rate=0.5")
    total = sum(entry["contribution"] for entry in answer["contributions"])
    assert math.isclose(total, answer["anomaly_score"], rel_tol=1e-5)
    assert answer["alert_rate"] == 0.5
    assert answer["artifact_id"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/users/nobody/recommendations",
        "/v1/users/nobody/embedding",
        "/v1/users/nobody/anomaly",
        "/v1/items/nothing/embedding",
        "/v1/items/nothing/similar",
    ],
)
def test_who_or_what_is_unknown_is_404(trained_client: FlaskClient, path: str) -> None:
    answer = trained_client.get(path)
    assert answer.status_code == 404
    assert answer.json["type"] == "/problems/not-found"


def test_before_training_the_popular_is_recommended(client: FlaskClient) -> None:
    rows = [{"user_id": user, "item_id": "song-4"} for user in ("a", "b")]
    rows.append({"user_id": "a", "item_id": "song-1"})
    ask(client, "POST", "/v1/interactions", {"interactions": rows})
    answer = recommend(client, history=[])
    assert (answer["strategy"], ids(answer)) == ("popularity", ["song-4", "song-1"])


@pytest.mark.parametrize(("method", "path", "body"), NETWORK_NEEDED)
def test_before_training_what_needs_a_network_says_the_remedy(
    client: FlaskClient, method: str, path: str, body: object
) -> None:
    rows = [{"user_id": "client-4", "item_id": "song-4"}]
    ask(client, "POST", "/v1/interactions", {"interactions": rows})
    answer = client.open(path, method=method, json=body)
    assert answer.status_code == 503
    assert answer.json["type"] == "/problems/not-ready"
    assert "hourglass train" in answer.json["detail"]
