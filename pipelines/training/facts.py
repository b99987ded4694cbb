"""What a manifest says of a training: its data, its figures, its libraries. No times, no names."""

import platform
from dataclasses import asdict
from datetime import datetime
from importlib.metadata import version
from typing import Any

from pipelines.data.interactions import Csr, InteractionMatrix
from pipelines.data.splits import HeldOut
from pipelines.training.evaluate import Evaluation
from pipelines.training.train import Trained
from pipelines.watch.trusted import LeftOut

LIBRARIES = ("torch", "numpy", "scipy", "safetensors")


def facts_of(
    trained: Trained,
    matrix: InteractionMatrix,
    *,
    cut_off: datetime | None,
    content_digest: str | None,
    left_out: LeftOut | None,
) -> dict[str, Any]:
    """The manifest's account of a training; `cut_off` is the time of the newest interaction."""
    of_suspects = {} if left_out is None else {"suspects_left_out": asdict(left_out)}
    of_content = {} if content_digest is None else {"content_digest": content_digest}
    return {
        "data": {
            "digest": matrix.digest(),
            **of_content,
            **of_suspects,
            "cut_off": None if cut_off is None else cut_off.isoformat(),
            **_counts(matrix.x),
        },
        "split": {
            "train": _counts(trained.split.train),
            "validation_users": _n_users(trained.split.validation),
            "test_users": _n_users(trained.split.test),
        },
        "metrics": {
            "test": _summary(trained.test),
            "popularity": _summary(trained.popularity),
        },
        "calibration": {
            "n": len(trained.calibration.scores),
            "users": "test" if trained.split.test else "training",
        },
        "epochs": [asdict(epoch) for epoch in trained.epochs],
        "libraries": {
            "python": platform.python_version(),
            **{name: version(name) for name in LIBRARIES},
        },
    }


def _counts(x: Csr) -> dict[str, int]:
    return {"n_users": x.shape[0], "n_items": x.shape[1], "n_interactions": x.nnz}


def _n_users(users: HeldOut | None) -> int:
    return 0 if users is None else users.fold_in.shape[0]


def _summary(evaluation: Evaluation | None) -> dict[str, Any] | None:
    return None if evaluation is None else evaluation.summary()
