"""Groups of users who are too alike, over HTTP: listed with their members, and labelled."""

from flask.testing import FlaskClient

from pipelines.registry.store import Store
from pipelines.watch.config import WatchConfig
from pipelines.workflows import run_watch
from service.app import Hourglass
from tests.service.test_service_detectors import parts_of
from tests.worlds import store_fakes


def test_a_group_is_listed_and_takes_a_label(app: Hourglass, client: FlaskClient) -> None:
    parts = parts_of(app)
    store = Store(parts.settings.store_url)
    fakes = store_fakes(parts.engine)
    home = parts.settings.home
    run_watch(parts.engine, store, WatchConfig(), home=home, on_progress=lambda _: None)
    group = client.get("/v1/anomalies?subject=group&limit=1").json["anomalies"][0]
    assert len(fakes.user_ids & set(group["place"]["user_ids"])) >= 0.9 * len(fakes.user_ids)
    assert (group["source"], group["finder"], group["user_id"]) == ("groups", "watch", None)
    url = f"/v1/anomalies/{group['anomaly_id']}/feedback"
    told = client.post(url, json={"label": "right"})
    assert (told.status_code, told.json["label"]) == (200, "right")
    [labelled] = client.get("/v1/anomalies?subject=group&label=right").json["anomalies"]
    assert labelled["anomaly_id"] == group["anomaly_id"]
    assert client.delete(url).status_code == 200
