"""How findings are judged: by a false-discovery rate among all, or by ranks among their own."""

from pathlib import Path

import torch
from sqlalchemy import Engine

from models.progress import untold
from pipelines.data.interactions import read_interactions
from pipelines.predictor.predictor import Predictor
from pipelines.registry.registry import read_active
from pipelines.storage.engine import reading
from pipelines.watch.config import WatchConfig
from pipelines.watch.findings import judged, ranked
from pipelines.watch.rows import chosen_rows
from tests.running import run, store_at
from tests.runs.processes import small_run
from tests.worlds import store_world, two_tastes


def test_those_who_were_not_looked_at_count_in_a_false_discovery_rate() -> None:
    usual = torch.arange(1, 1000, dtype=torch.float64)
    scores = torch.tensor([2000.0, 500.5], dtype=torch.float64)  # p-values .001 and .5
    config = WatchConfig(false_discovery_rate=0.1)
    for family, found in [(2, [True, False]), (100, [True, False]), (101, [False, False])]:
        assert judged(scores, usual, config, family=family).is_anomaly.tolist() == found


def test_what_is_only_ranked_is_judged_by_the_alert_rate_whatever_else_is_asked() -> None:
    scores = torch.arange(200, dtype=torch.float64)
    for rate in (None, 0.1):
        found = ranked(scores, WatchConfig(alert_rate=0.01, false_discovery_rate=rate))
        assert found.is_anomaly.nonzero()[:, 0].tolist() == [198, 199]
        assert found.p_values[-1] == 1 / 200


def test_chosen_rows_say_how_many_they_were_chosen_from(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    store_world(sqlite_engine, two_tastes(60))
    run(sqlite_engine, tmp_path, small_run(epochs=2))
    with reading(sqlite_engine) as session:
        artifact = read_active(session, store_at(tmp_path))
        assert artifact is not None
        matrix = read_interactions(session, artifact.config.data)
    predictor = Predictor(artifact)
    every, some = (
        chosen_rows(matrix, predictor, WatchConfig(exact_entries=n), on_chunk=untold)
        for n in (10_000, 240)
    )
    assert (every.n_users, every.n_entries) == (len(every.user_ids), len(every.x.indices))
    assert (some.n_users, some.n_entries) == (every.n_users, every.n_entries)
    assert len(some.user_ids) < every.n_users
