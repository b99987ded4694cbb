"""Whether the watch tells drift in time, and tells none where there is none.

The interactions of a data set are split at the time of the middle one. An artifact is trained on
what a random half of the users did before. Its report is asked for of

early others: what the other half of the users did before; nothing drifted but chance;
later: what everybody did after; another time, and other users for the most part;
everything: all interactions of all users, as a watch would see them at the end.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from models.scoring.drift import compare
from pipelines.data.formats.base import Columns, ReadOptions
from pipelines.data.import_source import locate
from pipelines.data.interactions import DataConfig, InteractionMatrix, matrix_of
from pipelines.data.splits import strong_generalisation
from pipelines.storage.tables import UNTIMED, microseconds
from pipelines.training.run_config import asked_run, with_options
from pipelines.training.train import train
from pipelines.watch.drift_reports import status_of, told
from pipelines.watch.drifting import SEED
from pipelines.watch.user_inputs import inputs_of, inputs_of_training, predictor_of


@dataclass(frozen=True)
class Events:
    """Interactions, (n,) each; times in microseconds."""

    user_ids: np.ndarray[Any, Any]
    item_ids: np.ndarray[Any, Any]
    weights: np.ndarray[Any, Any]
    times: np.ndarray[Any, Any]

    def matrix(self, chosen: np.ndarray[Any, Any], data: DataConfig) -> InteractionMatrix:
        """Of those that are chosen (n,), and count as positive."""
        chosen = chosen & (self.weights > data.above)
        users, user_nums = np.unique(self.user_ids[chosen], return_inverse=True)
        items, item_nums = np.unique(self.item_ids[chosen], return_inverse=True)
        return matrix_of(
            tuple(users.tolist()),
            user_nums,
            tuple(items.tolist()),
            item_nums,
            weights=self.weights[chosen],
            values=data.values,
        )


def measure(path: Path, config: str, seeds: list[int]) -> dict[str, Any]:
    """Of each seed and report what was told; and how often each input drifted."""
    events = _read(path)
    runs = [_run(events, config, seed) for seed in seeds]
    return {"task": "drift", "config": config, "seeds": seeds, "runs": runs}


def table(figures: dict[str, Any]) -> str:
    """Of each report how often it told drift, of which inputs, and the mean PSI of each."""
    lines = []
    for name in figures["runs"][0]:
        reports = [run[name] for run in figures["runs"]]
        n_drifted = sum(report["status"] == "drifted" for report in reports)
        users = ", ".join(str(report["users"]) for report in reports)
        lines.append(f"{name}: drift told in {n_drifted} of {len(reports)} (users {users})")
        often = Counter(each for report in reports for each in report["drifted"])
        for each in reports[0]["psi"]:
            psi = [report["psi"][each] for report in reports if report["psi"][each] is not None]
            mean = f"{np.mean(psi):.3f}" if psi else "not told"
            lines.append(f"  {each:<18}{mean:>9}  {often[each]} of {len(reports)}")
    return "\n".join(lines)


def _run(events: Events, name: str, seed: int) -> dict[str, Any]:
    config = with_options(asked_run(name), seed=seed)
    early = events.times <= np.median(events.times)
    users = np.unique(events.user_ids[early])
    chosen = np.random.default_rng(seed).permutation(users)[: len(users) // 2]
    trained_on = early & np.isin(events.user_ids, chosen)
    matrix = events.matrix(trained_on, config.data)
    trained = train(strong_generalisation(matrix, seed), config, on_progress=lambda _: None)
    inputs = inputs_of_training(matrix, trained)
    predictor = predictor_of(trained)
    parts = {
        "early others": early & ~np.isin(events.user_ids, chosen),
        "later": ~early,
        "everything": np.ones(len(early), dtype=bool),
    }
    reports = {}
    for part, wanted in parts.items():
        present = events.matrix(wanted, config.data)
        now = inputs_of(present, predictor, inputs, seed=SEED)
        compared = compare(inputs.references, now)
        reports[part] = {
            "users": len(present.user_ids),
            "trained_on": len(matrix.user_ids),
            "status": status_of(compared),
            "drifted": [input_ for input_, each in compared.items() if each.drifted],
            "psi": {input_: each.psi for input_, each in compared.items()},
            "inputs": told(compared),
        }
    return reports


def _read(path: Path) -> Events:
    rows = [row for row in _rows(path) if row[3] != microseconds(UNTIMED)]
    user_ids, item_ids, weights, times = zip(*rows, strict=True)
    return Events(np.array(user_ids), np.array(item_ids), np.array(weights), np.array(times))


def _rows(path: Path) -> Iterator[tuple[str, str, float, int]]:
    source = locate(path, columns=Columns())
    options = ReadOptions(head=source.head, now=datetime.now(UTC))
    with source.open() as opened:
        for chunk in source.format.read(opened.stream, options).chunks:
            for row in chunk.rows:
                yield row.user_id, row.item_id, row.weight, microseconds(row.occurred_at)
