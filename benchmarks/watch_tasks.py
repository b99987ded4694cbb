"""What `benchmarks.watch` measures, each in a process of its own so that peaks are apart.

python -m benchmarks.watch_tasks TASK HOME DATA CONFIG
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from pipelines import schema
from pipelines.registry.store import Store
from pipelines.settings import Settings
from pipelines.storage.engine import create_engine
from pipelines.training.progress import Progress


class Stopwatch:
    """How long each phase took, by what is told of progress."""

    def __init__(self) -> None:
        self._began: list[tuple[str, float]] = []

    def __call__(self, progress: Progress) -> None:
        if not self._began or self._began[-1][0] != progress.phase:
            self._began.append((progress.phase, time.perf_counter()))

    def seconds(self) -> dict[str, float]:
        """Until now, by phase, whether it came once or again and again."""
        ends = [began for _, began in self._began[1:]] + [time.perf_counter()]
        totals: dict[str, float] = {}
        for (phase, began), end in zip(self._began, ends, strict=True):
            totals[phase] = totals.get(phase, 0.0) + end - began
        return {phase: round(total, 1) for phase, total in totals.items()}


def import_data(engine: Engine, settings: Settings, data: Path, _config: str) -> dict[str, Any]:
    """`hourglass import` of a file, or of `train.txt` and `test.txt` one after the other."""
    from pipelines.data.importing import ImportOptions, import_path

    parts = [data / "train.txt", data / "test.txt"]
    sources = parts if all(part.is_file() for part in parts) else [data]
    reports = [
        import_path(engine, source, options=ImportOptions(), progress=lambda _: None)
        for source in sources
    ]
    return {"interactions": sum(report.new for report in reports)}


def train(engine: Engine, settings: Settings, _data: Path, config: str) -> dict[str, Any]:
    """`hourglass train CONFIG`."""
    from pipelines.training.run_config import asked_run
    from pipelines.workflows import run_training

    stopwatch = Stopwatch()
    store = Store(settings.store_url)
    run_training(engine, store, asked_run(config), home=settings.home, on_progress=stopwatch)
    return {"phases": stopwatch.seconds()}


def watch(engine: Engine, settings: Settings, _data: Path, _config: str) -> dict[str, Any]:
    """`hourglass watch`."""
    from pipelines.watch.config import WatchConfig
    from pipelines.workflows import run_watch

    stopwatch = Stopwatch()
    store = Store(settings.store_url)
    found = run_watch(engine, store, WatchConfig(), home=settings.home, on_progress=stopwatch)
    return {"phases": stopwatch.seconds(), "found": found}


TASKS: dict[str, Callable[[Engine, Settings, Path, str], dict[str, Any]]] = {
    "import": import_data,
    "train": train,
    "watch": watch,
}


def main() -> int:
    """Run one task and print its figures as JSON."""
    task, home, data, config = sys.argv[1:]
    settings = Settings.from_environment({"HOURGLASS_HOME": home})
    schema.upgrade(settings.database_url)
    engine = create_engine(settings.database_url)
    started = time.perf_counter()
    figures = TASKS[task](engine, settings, Path(data), config)
    seconds = round(time.perf_counter() - started, 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_rss_mb": round(peak), **figures}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
