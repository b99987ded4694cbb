"""A real server with two processes, asked without a pause while artifacts are promoted."""

import json
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from pipelines.predictor.predictor import Predictor
from pipelines.registry.artifact import read_artifact
from pipelines.registry.registry import promote_by_id
from pipelines.settings import Settings
from pipelines.storage.artifacts import promote_artifact
from pipelines.storage.engine import create_engine, writing
from pipelines.workflows import run_training
from tests.running import store_at
from tests.runs.processes import small_run
from tests.service.test_service_serve import (
    COMMAND,
    START_SECONDS,
    Served,
    environment,
    free_port,
    wait_until_ready,
)
from tests.worlds import store_world, two_tastes

SECONDS = 5.0
"""Within which every process answers with what was promoted."""
N_THREADS = 4
QUESTION = json.dumps({"history": ["item-000", "item-002"], "n": 5}).encode()

Scores = dict[str, float]


@dataclass
class Answers:
    """All answers so far: when each was asked for, its status, its artifact and scores."""

    seen: list[tuple[float, int, str, Scores]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def ask(self, served: Served) -> None:
        while not self.over.is_set():
            asked = time.monotonic()
            try:
                status, _, content = served.ask("POST", "/v1/recommendations", QUESTION)
            except OSError as error:
                self.failures.append(repr(error))
                continue
            answer = json.loads(content)
            scores = {row["item_id"]: row["score"] for row in answer.get("recommendations", ())}
            self.seen.append((asked, status, answer.get("artifact_id", ""), scores))


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    engine = create_engine(settings.database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def expected(settings: Settings, engine: Engine) -> dict[str, Scores]:
    """What each of two artifacts answers; the second is active."""
    store_world(engine, two_tastes(20))
    store, scores = store_at(settings.home), {}
    for seed in (1, 2):
        config = small_run(seed=seed, epochs=2)
        result = run_training(engine, store, config, home=settings.home, on_progress=lambda _: None)
        predictor = Predictor(read_artifact(store, result.artifact_id))
        history, _ = predictor.vocabulary.split(["item-000", "item-002"])
        scores[result.artifact_id] = dict(predictor.rank(history, excluded=history, n=5))
    return scores


@pytest.fixture
def served(settings: Settings, expected: dict[str, Scores], tmp_path: Path) -> Iterator[Served]:
    port, log = free_port(), tmp_path / "log"
    env = {**environment(settings.home, port), "HOURGLASS_WORKERS": "2"}
    with log.open("wb") as stream:
        process = subprocess.Popen(COMMAND, env=env, stderr=stream)
    served = Served(port, log, process)
    try:
        wait_until_ready(served)
        wait_until_both_loaded(log)
        yield served
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def wait_until_both_loaded(log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while log.read_text().count("artifact loaded") < 2:
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


@pytest.fixture
def answers(served: Served) -> Iterator[Answers]:
    answers = Answers()
    threads = [threading.Thread(target=answers.ask, args=(served,)) for _ in range(N_THREADS)]
    for thread in threads:
        thread.start()
    yield answers
    answers.over.set()
    for thread in threads:
        thread.join()


@pytest.mark.slow
def test_what_is_promoted_answers_everywhere_within_5_seconds_and_nothing_fails(
    engine: Engine, settings: Settings, expected: dict[str, Scores], answers: Answers
) -> None:
    first, second = expected
    promoted: list[tuple[float, str]] = []
    for artifact_id in (first, second, first):
        promote_by_id(engine, store_at(settings.home), artifact_id)
        promoted.append((time.monotonic(), artifact_id))
        time.sleep(SECONDS + 1)
    answers.over.set()
    assert answers.failures == []
    assert {status for _, status, _, _ in answers.seen} == {200}
    for _, _, artifact_id, scores in answers.seen:
        assert scores == expected[artifact_id]
    for at, artifact_id in promoted:
        late = [a[2] for a in answers.seen if at + SECONDS < a[0] < at + SECONDS + 1]
        assert len(late) > 10
        assert set(late) == {artifact_id}


@pytest.mark.slow
def test_a_damaged_artifact_is_refused_and_the_old_one_serves_on(
    engine: Engine,
    settings: Settings,
    expected: dict[str, Scores],
    served: Served,
    answers: Answers,
) -> None:
    damaged, serving = expected
    weights = settings.home / "artifacts" / damaged / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with writing(engine) as session:
        promote_artifact(session, artifact_id=damaged, now=datetime.now(UTC))
    deadline = time.monotonic() + SECONDS
    while (found := served.ask("GET", "/readyz"))[0] == 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert json.loads(found[2])["checks"]["artifact"]["ok"] is False
    time.sleep(1.5)
    promote_by_id(engine, store_at(settings.home), serving)
    wait_until_ready(served)
    answers.over.set()
    assert answers.failures == []
    assert {(status, name) for _, status, name, _ in answers.seen} == {(200, serving)}
