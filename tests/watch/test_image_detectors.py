"""Detectors over images on both databases: fitted by the run, killed, scored, labelled, refused."""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine, update

from models.detectors import image_members
from models.detectors.restoring import RestoringConfig
from pipelines.data.images import check_image
from pipelines.errors import Conflict, InvalidInput, NotReady
from pipelines.storage.engine import reading, writing
from pipelines.storage.images import put_images
from pipelines.storage.watch_tables import Detector
from pipelines.watch import stored_rows
from pipelines.watch.answers import Wanted, drift_of_wanted, plan_detector, score_wanted
from pipelines.watch.asking import Asked, request_detector
from pipelines.watch.fitting import fit_table
from pipelines.watch.loading import LoadedDetector, load_detector
from pipelines.watch.scoring import Rule, score_rows
from pipelines.watch.settings import DetectorSettings, settings_of
from pipelines.watch.stored_rows import stored_table
from tests.pictures import drawn, png, saved
from tests.running import store_at
from tests.runs.processes import run_of, working
from tests.runs.test_kill import blocked
from tests.watch.test_detector_runs import ask as ask_for_rows
from tests.watch.test_detector_runs import fit, is_in, table, written_last

SETTINGS = settings_of({"over": "images", "seed": 3})


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Less training."""
    monkeypatch.setattr(image_members, "N_TREES", 30)
    monkeypatch.setattr(image_members, "RESTORING", RestoringConfig(width=4, code=16, steps=40))


def store(engine: Engine, n: int = 60) -> None:
    """So many upright bars, and a circle."""
    rng = np.random.default_rng(0)
    images = {f"bar {num:02}": check_image(saved(drawn("bar", rng))) for num in range(n)}
    images["circle"] = check_image(saved(drawn("circle", rng)))
    with writing(engine) as session:
        put_images(session, images=images, now=datetime.now(UTC))


def ask(engine: Engine, settings: DetectorSettings = SETTINGS) -> Asked:
    with writing(engine) as session:
        return request_detector(session, settings, None, now=datetime.now(UTC))


def undisturbed(engine: Engine) -> list[float]:
    with reading(engine) as session:
        table = stored_table(session, "images")
    fitted = fit_table(table, SETTINGS)
    loaded = LoadedDetector(None, SETTINGS, fitted.facts, fitted.detector)
    return [row.anomaly_score for row in score_rows(loaded, table, Rule()).rows]


def scores(engine: Engine, home: Path, asked: Asked) -> list[float]:
    loaded = load_detector(engine, store_at(home), asked.detector_id)
    wanted = Wanted(n=100, contributions=False)
    now = datetime.now(UTC)
    rows = score_wanted(engine, loaded, wanted, Rule(), now=now).rows
    return [row.anomaly_score for row in sorted(rows, key=lambda row: row.row)]


@pytest.mark.usefixtures("quick")
def test_stored_images_are_fitted_scored_and_explained(engine: Engine, tmp_path: Path) -> None:
    store(engine)
    plan = plan_detector(engine, SETTINGS, None)
    assert (plan.n_usable, plan.n_calibration) == (61, 12)
    assert [use.kind for use in plan.columns] == ["image"]
    asked = ask(engine)
    fit(engine, tmp_path, asked)
    assert run_of(engine, asked.run_id).error is None
    assert scores(engine, tmp_path, asked) == undisturbed(engine)
    loaded = load_detector(engine, store_at(tmp_path), asked.detector_id)
    now = datetime.now(UTC)
    wanted = Wanted(ids=["circle", "nothing", "bar 03"], keep=True)
    scored = score_wanted(engine, loaded, wanted, Rule(alert_rate=0.1), now=now)
    assert [row.item_id for row in scored.rows] == ["circle", "bar 03"]
    assert [each.row for each in scored.problems] == [1]
    for row in scored.rows:
        total = sum(each.contribution for each in row.contributions)
        assert total == pytest.approx(row.anomaly_score)
        assert row.contributions[0].column.startswith("region_")
        assert row.anomaly_id is not None
    report = drift_of_wanted(engine, loaded, Wanted(), now=now)
    assert len(report.inputs) == 65
    assert report.status != "drifted"


@pytest.mark.slow
def test_a_fit_of_images_killed_in_every_step_ends_as_an_undisturbed_one(
    engine: Engine, database_url: str, tmp_path: Path
) -> None:
    store(engine, 30)
    home, log = tmp_path / "home", tmp_path / "log"
    asked = ask(engine)
    run_id = asked.run_id
    for path, phase in written_last(home, asked):
        with blocked(path), working(home, database_url, log) as worker:
            worker.until(partial(is_in, engine, run_id, phase))
            worker.kill()
    with working(home, database_url, log) as worker:
        worker.until(lambda: run_of(engine, run_id).status == "finished")
    assert scores(engine, home, asked) == undisturbed(engine)


@pytest.mark.usefixtures("quick")
def test_few_images_fit_or_say_why_not(sqlite_engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="No item has an image"):
        plan_detector(sqlite_engine, SETTINGS, None)
    now = datetime.now(UTC)
    with writing(sqlite_engine) as session:
        put_images(session, images={"one": check_image(png(10))}, now=now)
    with pytest.raises(InvalidInput, match="1 image to learn from"):
        plan_detector(sqlite_engine, SETTINGS, None)
    asked = ask(sqlite_engine)
    fit(sqlite_engine, tmp_path, asked)
    assert "1 image to learn from" in str(run_of(sqlite_engine, asked.run_id).error)
    with writing(sqlite_engine) as session:
        put_images(session, images={"two": check_image(png(200))}, now=now)
    asked = ask(sqlite_engine)
    fit(sqlite_engine, tmp_path, asked)
    assert len(scores(sqlite_engine, tmp_path, asked)) == 2


@pytest.mark.parametrize("option", [{"form": "fast"}, {"regime": "clean"}, {"ignore": ["x"]}])
def test_what_says_nothing_of_images_is_refused(option: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match="a detector over images has no"):
        settings_of({"over": "images", **option})


def test_of_many_images_fewer_are_drawn(monkeypatch: pytest.MonkeyPatch, engine: Engine) -> None:
    monkeypatch.setattr(stored_rows, "MAX_FITTED_IMAGES", 4)
    store(engine, 8)
    with reading(engine) as session:
        table = stored_table(session, "images")
    some = stored_rows.drawn(table, "images", generator=stored_rows.torch.Generator())
    assert (len(table), len(some), some.columns["image"].shape) == (9, 4, (4, 3, 32, 32))


def test_a_detector_of_images_of_before_there_were_regions_is_refused(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    rows = ask_for_rows(sqlite_engine, table())
    fit(sqlite_engine, tmp_path, rows)
    with writing(sqlite_engine) as session:
        session.execute(update(Detector).values(over="images"))
    with pytest.raises(Conflict, match="delete it, and ask for another"):
        load_detector(sqlite_engine, store_at(tmp_path), rows.detector_id)
