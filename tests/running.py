"""Trainings carried out by the test itself, and where they leave artifacts."""

from pathlib import Path

from sqlalchemy import Engine

from pipelines.registry.store import Store
from pipelines.training.progress import OnProgress
from pipelines.training.run_config import RunConfig
from pipelines.workflows import RunResult, run_training


def store_at(home: Path) -> Store:
    return Store(str(home / "artifacts"))


def run(
    engine: Engine, home: Path, run_config: RunConfig, on_progress: OnProgress = lambda _: None
) -> RunResult:
    return run_training(engine, store_at(home), run_config, home=home, on_progress=on_progress)
