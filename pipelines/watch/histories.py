"""Which users are strange by their histories."""

from dataclasses import asdict

import torch
from sqlalchemy.orm import Session

from models.scoring.calibration import p_values
from pipelines.data.interactions import read_interactions
from pipelines.predictor.predictor import Predictor
from pipelines.predictor.score import contributions_of
from pipelines.storage.anomalies import NewAnomaly
from pipelines.watch.config import WatchConfig
from pipelines.watch.findings import Findings, OnChunk, judged


def find_users(
    session: Session, predictor: Predictor, config: WatchConfig, *, on_chunk: OnChunk
) -> Findings:
    """The strangest of all users who have a history, with what each item adds."""
    matrix = read_interactions(session, predictor.data)
    n_users = len(matrix.user_ids)
    scored = []
    for num in range(n_users):
        on_chunk(num, n_users)
        row = matrix.x[num : num + 1]
        item_ids = [matrix.vocabulary.item_ids[item_num] for item_num in row.indices]
        nums, unknown = predictor.vocabulary.split(item_ids)
        kept = [
            w
            for item_id, w in zip(item_ids, row.data.tolist(), strict=True)
            if item_id not in unknown
        ]
        scored.append(predictor.score(nums, kept))
    scores = torch.tensor([row.score for row in scored], dtype=torch.float64)
    all_judged = judged(scores, p_values(scores, predictor.calibration), config)
    found = [
        NewAnomaly(
            what=(matrix.user_ids[num],),
            score=scored[num].score,
            p_value=float(all_judged.p_values[num]),
            is_anomaly=bool(all_judged.is_anomaly[num]),
            contributions=[asdict(each) for each in contributions_of(predictor, scored[num])],
            user_id=matrix.user_ids[num],
        )
        for num in all_judged.strangest(config.kept)
    ]
    n_anomalies = int(all_judged.is_anomaly.sum())
    return Findings("user", predictor.artifact_id, tuple(found), n_users, n_anomalies)
