"""What a network is fed: scores of users drawn, all at once as one by one."""

from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine

from pipelines.data.interactions import read_interactions
from pipelines.predictor.predictor import Predictor
from pipelines.registry.registry import read_active
from pipelines.storage.engine import reading
from pipelines.watch.user_inputs import MAX_SCORED, inputs_of
from tests.running import run, store_at
from tests.runs.processes import small_run
from tests.worlds import N_ITEMS, store_world, two_tastes


def test_scores_are_those_of_each_user_alone(sqlite_engine: Engine, tmp_path: Path) -> None:
    store_world(sqlite_engine, two_tastes(60))
    run(sqlite_engine, tmp_path, small_run(epochs=2))
    store_world(sqlite_engine, two_tastes(MAX_SCORED + 20, seed=1))
    with reading(sqlite_engine) as session:
        artifact = read_active(session, store_at(tmp_path))
        assert artifact is not None
        matrix = read_interactions(session, artifact.config.data)
    predictor = Predictor(artifact)
    inputs = inputs_of(matrix, predictor, np.full(N_ITEMS, 0.1), seed=3)
    expected = []
    for row in np.random.default_rng(3).permutation(len(matrix.user_ids))[:MAX_SCORED]:
        held = matrix.x[[row]].indices
        nums = predictor.nums(matrix.vocabulary.item_ids[num] for num in held)
        expected.append(predictor.score(nums).score)
    assert inputs["anomaly-score"] == pytest.approx(np.array(expected), rel=1e-4, abs=1e-5)
