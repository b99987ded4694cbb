"""Import and reading for training, beside bare SQL in one transaction, in turns.

python -m benchmarks.ingest --rows 1000000 --postgresql postgresql+psycopg://user@host/postgres

The data are made here: a log of interactions of users drawn evenly with items of a Zipf law. Bare
SQL gets the numbers ready made and stores them into a table of the same shape: executemany on
SQLite, COPY on PostgreSQL. PostgreSQL must allow databases to be created; they are dropped.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import create_engine, make_url, text

from benchmarks.ingest_tasks import write_data

TURNS = ("import", "bare", "import", "bare")


def main() -> int:
    """Measure each database and print the figures."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_data(
            folder,
            rows=arguments.rows,
            users=arguments.users,
            items=arguments.items,
            seed=arguments.seed,
        )
        figures = {"sqlite": _measure(folder, None)}
        if arguments.postgresql:
            figures["postgresql"] = _measure(folder, arguments.postgresql)
    document = {**vars(arguments), "postgresql": bool(arguments.postgresql), "databases": figures}
    print(json.dumps(document) if arguments.json else _table(figures))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--users", type=int, default=50_000)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--postgresql", metavar="URL", help="a server where databases may be made")
    parser.add_argument("--json", action="store_true", help="one JSON document, nothing else")
    return parser.parse_args()


def _measure(folder: Path, server: str | None) -> dict[str, Any]:
    """Each task in its turn, each import into a new database; the last one is read at the end."""
    runs: dict[str, list[dict[str, Any]]] = {"import": [], "bare": [], "read": []}
    for turn, task in enumerate(TURNS):
        with _database(folder, server, turn) as url:
            runs[task].append(_run(task, folder, url))
            if task == "import":
                runs["read"].append(_run("read", folder, url))
    seconds = {task: median(run["seconds"] for run in some) for task, some in runs.items()}
    summary = {
        task: {
            "seconds": round(seconds[task], 2),
            "rows_per_second": round(some[0]["rows"] / seconds[task]),
            "peak_rss_mb": max(run["peak_rss_mb"] for run in some),
            "runs": [round(run["seconds"], 2) for run in some],
        }
        for task, some in runs.items()
    }
    return {**summary, "ratio": round(seconds["import"] / seconds["bare"], 2)}


def _run(task: str, folder: Path, url: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.ingest_tasks", task, str(folder), url]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


@contextmanager
def _database(folder: Path, server: str | None, turn: int) -> Iterator[str]:
    """The URL of an empty database, gone at the end."""
    if server is None:
        path = folder / f"{turn}.db"
        yield f"sqlite:///{path}"
        path.unlink()
        return
    name = f"hourglass_bench_{os.getpid()}_{turn}"
    _on_server(server, f'CREATE DATABASE "{name}"')
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        _on_server(server, f'DROP DATABASE "{name}" WITH (FORCE)')


def _on_server(server: str, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def _table(figures: dict[str, Any]) -> str:
    lines = [f"{'':<12}{'':<8}{'seconds':>9}{'rows/s':>11}{'peak MB':>9}"]
    for database, tasks in figures.items():
        lines += [
            f"{database:<12}{task:<8}{tasks[task]['seconds']:>9.2f}"
            f"{tasks[task]['rows_per_second']:>11,}{tasks[task]['peak_rss_mb']:>9.0f}"
            for task in ("import", "bare", "read")
        ]
        lines.append(f"{database:<12}import takes {tasks['ratio']:.2f} times as long as bare SQL")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
