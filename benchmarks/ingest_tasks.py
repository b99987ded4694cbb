"""What `benchmarks.ingest` measures, each in a process of its own so that peaks are apart.

python -m benchmarks.ingest_tasks TASK FOLDER [URL]
"""

import csv
import json
import resource
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from sqlalchemy import make_url

from pipelines import schema
from pipelines.storage.engine import create_engine, reading

ITEM_SKEW = 1.1
"""Exponent of the Zipf law of items."""
FIRST_SECOND, SECONDS = 1_500_000_000, 100_000_000
BARE_COLUMNS = "(user_key, item_key, action, occurred_at, weight)"
BARE_TABLE = """CREATE TABLE bare (
    user_key BIGINT NOT NULL, item_key BIGINT NOT NULL, action VARCHAR(64) NOT NULL,
    occurred_at BIGINT NOT NULL, weight DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (user_key, item_key, action, occurred_at)
)"""
BARE_INDEX = "CREATE INDEX ix_bare_item_key ON bare (item_key)"


def write_data(folder: Path, *, rows: int, users: int, items: int, seed: int) -> None:
    """Interactions in the order of a log, as numbers (`rows.npy`) and as CSV."""
    rng = np.random.default_rng(seed)
    shares = np.arange(1, items + 1) ** -ITEM_SKEW
    numbers = np.empty((rows, 4), dtype=np.int64)
    numbers[:, 0] = rng.integers(users, size=rows)
    numbers[:, 1] = rng.choice(items, size=rows, p=shares / shares.sum())
    numbers[:, 2] = np.sort(FIRST_SECOND + rng.integers(SECONDS, size=rows))
    numbers[:, 3] = rng.integers(1, 6, size=rows)
    np.save(folder / "rows.npy", numbers)
    with (folder / "interactions.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["user_id", "item_id", "timestamp", "rating"])
        writer.writerows((f"user-{u}", f"item-{i}", t, w) for u, i, t, w in numbers.tolist())


def import_data(folder: Path, url: str) -> dict[str, Any]:
    """`hourglass import` without its command line, into a new database."""
    from pipelines.data.importing import ImportOptions, import_path

    schema.upgrade(url)
    engine = create_engine(url)
    path = folder / "interactions.csv"
    started = time.perf_counter()
    report = import_path(engine, path, options=ImportOptions(), progress=lambda _: None)
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "rows": report.new + report.repeated + report.replaced}


def store_bare(folder: Path, url: str) -> dict[str, Any]:
    """The same numbers, ready made, into a table of the same shape in one transaction."""
    rows = _bare_rows(folder)
    store = _bare_sqlite if url.startswith("sqlite") else _bare_postgresql
    return {"seconds": store(rows, url), "rows": len(rows)}


def read_matrix(_folder: Path, url: str) -> dict[str, Any]:
    """The interactions of a database as a CSR matrix for training."""
    from pipelines.data.interactions import DataConfig, read_interactions

    started = time.perf_counter()
    with reading(create_engine(url)) as session:
        matrix = read_interactions(session, DataConfig())
    return {"seconds": time.perf_counter() - started, "rows": int(matrix.x.nnz)}


def _bare_rows(folder: Path) -> list[tuple[int, int, str, int, float]]:
    numbers = np.load(folder / "rows.npy").tolist()
    return [(u, i, "rate", t * 1_000_000, float(w)) for u, i, t, w in numbers]


def _bare_sqlite(rows: list[Any], url: str) -> float:
    connection = sqlite3.connect(make_url(url).database or "", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"{BARE_TABLE} WITHOUT ROWID")
    connection.execute(BARE_INDEX)
    started = time.perf_counter()
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT OR IGNORE INTO bare VALUES (?, ?, ?, ?, ?)", rows)
    connection.execute("COMMIT")
    seconds = time.perf_counter() - started
    connection.close()
    return seconds


def _bare_postgresql(rows: list[Any], url: str) -> float:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        connection.execute(BARE_TABLE)
        connection.execute(BARE_INDEX)
        connection.commit()
        started = time.perf_counter()
        with (
            connection.cursor() as cursor,
            cursor.copy(f"COPY bare {BARE_COLUMNS} FROM STDIN") as copy,
        ):
            for row in _distinct(rows):
                copy.write_row(row)
        connection.commit()
        return time.perf_counter() - started


def _distinct(rows: list[Any]) -> Iterator[Any]:
    """The rows without those whose key was there before: COPY cannot pass over them."""
    return iter({row[:4]: row for row in rows}.values())


TASKS: dict[str, Callable[[Path, str], dict[str, Any]]] = {
    "import": import_data,
    "bare": store_bare,
    "read": read_matrix,
}


def main() -> int:
    """Run one task and print its figures as JSON."""
    task, folder, url = sys.argv[1:]
    figures = TASKS[task](Path(folder), url)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({**figures, "peak_rss_mb": round(peak, 1)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
