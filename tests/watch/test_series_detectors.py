"""Detectors over series and over users' sequences: fitted by the run, stretches found and kept."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine

from pipelines.errors import InvalidInput, NotReady
from pipelines.storage.anomalies import AnomalyFilter, list_anomalies
from pipelines.storage.engine import reading, writing
from pipelines.storage.interactions import NewInteraction, store_interactions
from pipelines.storage.tables import UNTIMED
from pipelines.watch import series_fits
from pipelines.watch.answers import Wanted, plan_detector, score_wanted
from pipelines.watch.asking import checked_table, request_detector
from pipelines.watch.fitting import plan_fit
from pipelines.watch.keeping import keep_rows
from pipelines.watch.loading import load_detector
from pipelines.watch.scoring import Rule
from pipelines.watch.settings import DetectorSettings, settings_of
from pipelines.watch.stored_sequences import drawn_sequences, stored_sequences
from pipelines.watch.table_files import table_of_rows
from tests.detectors.test_windows import waves
from tests.running import store_at
from tests.runs.processes import run_of
from tests.watch.test_detector_runs import fit

NOW = datetime(2026, 3, 2, tzinfo=UTC)
FAST = {"form": "fast", "regime": "clean", "window": 8}
SERIES = settings_of({**FAST, "over": "series", "order": "at", "ignore": ["note"]})
SEQUENCES = settings_of({**FAST, "over": "sequences"})


def rows_of(x: np.ndarray, start: datetime = NOW) -> list[dict[str, Any]]:
    return [
        {
            "at": (start + timedelta(minutes=num)).isoformat(),
            "flow": flow,
            "heat": heat,
            "note": f"n{num}",
        }
        for num, (flow, heat) in enumerate(x.tolist())
    ]


def odd(seed: int = 3) -> np.ndarray:
    """Heat stands still from row 60 on, for 15 rows."""
    x = waves(120, seed)
    x[60:75, 1] = x[60, 1]
    return x


def fitted(engine: Engine, home: Path, settings: DetectorSettings, packed: bytes | None) -> str:
    with writing(engine) as session:
        asked = request_detector(session, settings, packed, now=NOW)
    fit(engine, home, asked)
    assert run_of(engine, asked.run_id).error is None
    return asked.detector_id


def test_a_series_is_fitted_scored_and_its_odd_stretch_kept(engine: Engine, tmp_path: Path) -> None:
    packed = checked_table(table_of_rows(rows_of(waves(900, 0))), SERIES)
    loaded = load_detector(engine, store_at(tmp_path), fitted(engine, tmp_path, SERIES, packed))
    assert loaded.manifest["n_train"] + loaded.manifest["n_calibration"] == 900
    wanted = Wanted(rows=rows_of(odd()), keep=True, contributions=False)
    scored = score_wanted(engine, loaded, wanted, Rule(alert_rate=0.02), now=NOW)
    assert [row.row for row in scored.rows] == list(range(120))
    assert scored.stretches is not None
    first = scored.stretches[0]
    assert 50 <= first.start <= first.end <= 85
    assert first.started_at == rows_of(odd())[first.start]["at"]
    assert first.n_rows == first.end - first.start + 1
    assert sum(each.contribution for each in first.contributions) == pytest.approx(first.score)
    assert first.contributions[0].column == "heat"
    inside = scored.rows[first.start : first.end + 1]
    assert all(row.is_anomaly for row in inside)
    assert first.score == max(row.anomaly_score for row in inside)
    assert first.p_value == min(row.p_value for row in inside if row.p_value is not None)
    with reading(engine) as session:
        found = list_anomalies(session, wanted=AnomalyFilter(subject="window"), limit=9, after=None)
    assert found[0].anomaly_id == first.anomaly_id
    assert found[0].place is not None
    assert (found[0].place["start"], found[0].place["end"]) == (first.start, first.end)


def test_order_and_columns_of_series_are_checked_by_name() -> None:
    rows = rows_of(waves(60, 0))
    rows[7]["at"], rows[8]["at"] = rows[8]["at"], rows[7]["at"]
    with pytest.raises(InvalidInput, match="at of row 8, .* is before that of row 7") as caught:
        plan_fit(table_of_rows(rows), SERIES)
    assert caught.value.errors[0].pointer == "/rows/8/at"
    with pytest.raises(InvalidInput, match="order is 'when'"):
        plan_fit(table_of_rows(rows), settings_of({"over": "series", "order": "when"}))
    with pytest.raises(InvalidInput, match="No 16 usable rows follow each other"):
        plan_fit(table_of_rows(rows[:5]), settings_of({"over": "series"}))
    plan = plan_fit(table_of_rows(rows_of(waves(300, 0))), settings_of({"over": "series"}))
    assert [use.column for use in plan.columns] == ["flow", "heat"]
    assert {each.column for each in plan.left_out} == {"at", "note"}
    assert plan.n_usable == 300
    assert 100 < plan.n_calibration < 200  # one piece of two


def test_a_plan_of_a_series_is_what_a_fit_does() -> None:
    table = table_of_rows(rows_of(waves(500, 0)))
    plan = plan_fit(table, SERIES)
    facts = series_fits.fit_of_series(table, SERIES, on_step=lambda *_: None).facts
    assert (facts["n_calibration"], facts["n_rows"]) == (plan.n_calibration, plan.n_rows)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"over": "table", "window": 8}, "window"),
        ({"over": "series", "window": 1}, "window"),
        ({"over": "series", "window": 1001}, "window"),
        ({"over": "series", "window": 8, "step": 9}, "step"),
        ({"over": "sequences", "group": "x"}, "group"),
        ({"over": "series", "categorical": ["x"]}, "categorical"),
    ],
)
def test_options_that_say_nothing_are_refused(options: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        settings_of(options)
    assert caught.value.errors[0].pointer == f"/{field}"


def test_too_many_cells_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series_fits, "MAX_CELLS", 100)
    with pytest.raises(InvalidInput, match="Take a larger `step`"):
        plan_fit(table_of_rows(rows_of(waves(60, 0))), SERIES)


@pytest.fixture
def stored(engine: Engine) -> Engine:
    """Twelve users who took an item a day, the last in a burst for a while; and one untimed."""
    rng = np.random.default_rng(0)
    rows = []
    for user in range(12):
        moment = NOW
        for num in range(40):
            burst = user == 11 and 15 <= num < 27
            moment += timedelta(seconds=1) if burst else timedelta(hours=20 + 8 * rng.random())
            item = f"i{num % 15}"
            rows.append(NewInteraction(f"u{user:02}", item, "play", 1.0, moment))
    rows.append(NewInteraction("untimed", "i1", "play", 1.0, UNTIMED))
    with writing(engine) as session:
        store_interactions(session, rows=rows, now=NOW)
    return engine


def test_what_a_user_did_is_a_series_in_time_order(stored: Engine) -> None:
    with reading(stored) as session:
        table = stored_sequences(session, ["u03", "untimed", "nobody"], least=8)
        everyone = stored_sequences(session, None, least=8)
    assert table.ids == ("u03",) * 40
    assert table.numbers.tolist() == list(range(40))
    assert [(each.row, each.detail) for each in table.problems] == [
        (1, "User 'untimed' has fewer than 8 interactions with a time."),
        (2, "User 'nobody' has fewer than 8 interactions with a time."),
    ]
    times = [datetime.fromisoformat(str(each)) for each in table.columns["occurred_at"]]
    gaps = [(after - before).total_seconds() for before, after in zip(times, times[1:])]  # noqa: B905
    assert np.allclose(table.columns["log_gap"][1:], np.log1p(gaps))
    assert table.columns["log_gap"][0] == table.columns["log_gap"][1]
    assert len(everyone) == 480
    few = drawn_sequences(everyone, 100, generator=series_fits.torch.Generator())
    assert len(few) == 80
    with reading(stored) as session, pytest.raises(NotReady, match="No user has 50 interactions"):
        stored_sequences(session, None, least=50)


def test_the_odd_stretch_of_a_user_is_found_and_kept(stored: Engine, tmp_path: Path) -> None:
    assert plan_detector(stored, SEQUENCES, None).n_usable == 480
    detector_id = fitted(stored, tmp_path, SEQUENCES, None)
    loaded = load_detector(stored, store_at(tmp_path), detector_id)
    wanted = Wanted(n=200, keep=True)
    scored = score_wanted(stored, loaded, wanted, Rule(alert_rate=0.05), now=NOW)
    assert scored.stretches
    first = scored.stretches[0]
    assert first.user_id == "u11"
    assert 8 <= first.start <= first.end <= 34
    assert first.contributions[0].column == "log_gap"
    assert scored.rows[0].user_id == "u11"
    assert str(scored.rows[0].item_id).startswith("i")
    with reading(stored) as session:
        found = list_anomalies(session, wanted=AnomalyFilter(user_id="u11"), limit=9, after=None)
    assert found[0].anomaly_id == first.anomaly_id
    assert found[0].subject == "window"
    assert found[0].place is not None
    assert found[0].place["started_at"] == first.started_at
    longer = replace(
        first,
        end=first.end + 1,  # it went on, and others took its items
        contributions=tuple(replace(each, observed=9.0) for each in first.contributions),
    )
    with writing(stored) as session:
        again = keep_rows(session, loaded, replace(scored, stretches=(longer,)), now=NOW)
    assert again.stretches is not None
    assert again.stretches[0].anomaly_id == first.anomaly_id
    one = score_wanted(stored, loaded, Wanted(ids=["u11"]), Rule(alert_rate=0.05), now=NOW)
    assert one.stretches is not None
    assert one.stretches[0].start == first.start
    with pytest.raises(InvalidInput, match="send `ids`"):
        score_wanted(stored, loaded, Wanted(rows=[{"weight": 1}]), Rule(), now=NOW)


def test_a_row_that_cannot_be_read_cuts_its_series() -> None:
    rows: list[Any] = rows_of(waves(40, 0))
    rows[10] = {"at": rows[10]["at"]}
    rows[20] = "nothing"
    plan = plan_fit(table_of_rows(rows), SERIES)
    assert (plan.n_rows, plan.n_usable, plan.n_problems) == (40, 38, 2)
    assert [each.row for each in plan.problems] == [10, 20]
    rows[24] = rows[20]
    shorter = plan_fit(table_of_rows(rows), SERIES)
    assert (shorter.n_usable, shorter.n_problems) == (34, 6)
    fitted = series_fits.fit_of_series(table_of_rows(rows), SERIES, on_step=lambda *_: None)
    assert fitted.facts["n_series"] == 3
    assert fitted.facts["n_train"] + fitted.facts["n_calibration"] == 34
