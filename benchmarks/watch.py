"""A whole look of the watch: its seconds and peak memory; and whether drift is told when there is.

python -m benchmarks.watch --data FOLDER --config ease
python -m benchmarks.watch --task drift --data FOLDER --config ease --seeds 0,1,2,3,4

`whole` imports FOLDER into a new SQLite database, trains CONFIG and lets the watch look, each in a
process of its own. `drift`: benchmarks/drift_in_time.py.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import drift_in_time
from benchmarks.arguments import seeds
from benchmarks.watch_tasks import TASKS


def main() -> int:
    """Measure, and print the figures."""
    arguments = _arguments()
    if arguments.task == "drift":
        figures = drift_in_time.measure(arguments.data, arguments.config, arguments.seeds)
        shown = drift_in_time.table(figures)
    else:
        figures = _whole(arguments.data, arguments.config)
        shown = _table(figures)
    print(json.dumps(figures) if arguments.json else shown)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.watch", description=__doc__)
    parser.add_argument("--task", choices=("whole", "drift"), default="whole")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--config", default="ease")
    parser.add_argument("--seeds", type=seeds, default=[0, 1, 2, 3, 4], help="of `drift`")
    parser.add_argument("--json", action="store_true", help="one JSON document, nothing else")
    return parser.parse_args()


def _whole(data: Path, config: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as home:
        return {task: _run(task, home, str(data), config) for task in TASKS}


def _run(*words: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.watch_tasks", *words]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def _table(figures: dict[str, Any]) -> str:
    lines = [f"{'':<16}{'seconds':>9}{'peak MB':>9}"]
    for task, each in figures.items():
        lines.append(f"{task:<16}{each['seconds']:>9.1f}{each['peak_rss_mb']:>9,}")
        for phase, seconds in each.get("phases", {}).items():
            lines.append(f"  {phase:<14}{seconds:>9.1f}")
    found = figures["watch"]["found"]
    for subject in ("user", "interaction", "item", "image", "group"):
        if subject in found:
            counts = found[subject]
            lines.append(
                f"{subject}: {counts['looked_at']:,} looked at, {counts['anomalies']:,} anomalies"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
