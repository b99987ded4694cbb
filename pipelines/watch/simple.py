"""Which users are strange before anything is trained, by a few simple features."""

import torch

from models.rows import to_rows
from models.scoring.robust import FEATURES, features_of, fit_robust
from pipelines.data.interactions import InteractionMatrix
from pipelines.predictor.baseline import BASELINE
from pipelines.storage.anomalies import NewAnomaly
from pipelines.watch.config import WatchConfig
from pipelines.watch.findings import Findings, ranked


def find_users_simply(matrix: InteractionMatrix, config: WatchConfig) -> Findings:
    """The users farthest from most others; the p-value is the share of users at least as far."""
    x = to_rows(matrix.x)
    n_users_of = torch.bincount(x.indices, minlength=x.n_items)
    features = features_of(x, n_users_of[x.indices] - 1)
    robust = fit_robust(features)
    errors = robust.errors(features)
    scores = errors.sum(dim=1)
    all_judged = ranked(scores, config)
    medians = robust.medians.tolist()

    def one(num: int) -> NewAnomaly:
        columns = (features[num].tolist(), medians, errors[num].tolist())
        adds = [
            {"feature": name, "observed": seen, "expected": median, "contribution": error}
            for name, seen, median, error in zip(FEATURES, *columns, strict=True)
        ]
        adds.sort(key=lambda row: -row["contribution"])
        user_id = matrix.user_ids[num]
        return all_judged.finding(num, what=(user_id,), contributions=adds, user_id=user_id)

    return all_judged.findings("user", BASELINE, config.kept, one)
