"""The watch over images: the one that is rebuilt worst comes first."""

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from pipelines.data.images import check_image
from pipelines.registry.registry import promote_by_id
from pipelines.storage.anomalies import WATCH, AnomalyFilter, list_anomalies
from pipelines.storage.engine import reading, writing
from pipelines.storage.images import put_images
from pipelines.storage.looks import last_look
from pipelines.watch.config import WatchConfig
from pipelines.workflows import run_watch
from tests.images.conftest import config, store_shapes
from tests.pictures import png
from tests.running import run, store_at


def test_an_image_unlike_all_others_is_found_first(sqlite_engine: Engine, tmp_path: Path) -> None:
    store_shapes(sqlite_engine, tmp_path / "shapes")
    store = store_at(tmp_path)
    promote_by_id(sqlite_engine, store, run(sqlite_engine, tmp_path, config()).artifact_id)
    with writing(sqlite_engine) as session:
        put_images(session, images={"white": check_image(png(255))}, now=datetime.now(UTC))
    look = (sqlite_engine, store, WatchConfig(alert_rate=0.02))
    figures = run_watch(*look, home=tmp_path, on_progress=lambda _: None)
    assert figures["image"]["looked_at"] == 121
    with reading(sqlite_engine) as session:
        wanted = AnomalyFilter(subject="image")
        first = list_anomalies(session, limit=1, after=None, wanted=wanted)[0]
        kept = last_look(session, finder=WATCH, subject="image")
    assert (first.item_id, first.is_anomaly) == ("white", True)
    assert kept is not None
    assert (kept.source, kept.among, len(kept.scores)) == (first.source, True, 121)
    assert kept.scores[-1] == first.score
