"""Which users, interactions and items are strange, by the histories of all users."""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.progress import OnChunk
from models.rows import SparseRows
from models.scoring.anomaly import RowScores
from models.scoring.usual import fit_usual
from pipelines.predictor.predictor import Predictor
from pipelines.storage.anomalies import NewAnomaly
from pipelines.watch.config import WatchConfig
from pipelines.watch.findings import Findings, Reasons, judged, ranked, shares
from pipelines.watch.rows import UserRows

PER_USER = 5
"""Interactions of one user among the findings: of more, the user itself is the finding."""
MIN_AUDIENCE = 5
"""Users of an item whose audience can be judged."""


@dataclass(frozen=True)
class Look:
    """Histories, and what the network says of them."""

    predictor: Predictor
    config: WatchConfig
    rows: UserRows
    scored: RowScores

    @property
    def x(self) -> SparseRows:
        return self.rows.x

    @property
    def surprises(self) -> Tensor:
        """Of each entry, (nnz,)."""
        return self.scored.entries.values


def look_at(
    predictor: Predictor, config: WatchConfig, rows: UserRows, *, on_chunk: OnChunk
) -> Look:
    """Judge each interaction given all others of its user."""
    return Look(predictor, config, rows, predictor.score_rows(rows.x, on_chunk=on_chunk))


def find_users(look: Look) -> Findings:
    """The strangest users, with what each item adds; scores are those of `Predictor.score`."""
    x, calibration = look.x, look.predictor.calibration
    all_judged = judged(
        look.scored.scores, calibration.scores, look.config, family=look.rows.n_users
    )
    median, spread = calibration.scale.usual.at(x.lengths)
    item_ids = look.predictor.vocabulary.item_ids

    def one(num: int) -> NewAnomaly:
        own = slice(int(x.offsets[num]), int(x.offsets[num + 1]))
        adds = (look.surprises[own] - median[num]) / (spread[num] * x.lengths[num])
        reasons: Reasons = zip(
            (item_ids[item_num] for item_num in x.indices[own].tolist()),
            x.values[own].tolist(),
            look.scored.entries.expected[own].tolist(),
            adds.tolist(),
            strict=True,
        )
        user_id = look.rows.user_ids[num]
        return all_judged.finding(
            num, what=(user_id,), contributions=shares("item_id", reasons), user_id=user_id
        )

    return all_judged.findings("user", look.predictor.artifact_id, look.config.kept, one)


def find_interactions(look: Look) -> Findings:
    """The most surprising interactions, at most PER_USER of one user."""
    x, usual = look.x, look.predictor.calibration.surprises
    all_judged = judged(look.surprises, usual, look.config, family=look.rows.n_entries)
    item_ids, row_nums = look.predictor.vocabulary.item_ids, x.row_nums

    def one(num: int) -> NewAnomaly:
        user_id = look.rows.user_ids[int(row_nums[num])]
        item_id = item_ids[int(x.indices[num])]
        expected = float(look.scored.entries.expected[num])
        reason = (item_id, float(x.values[num]), expected, float(look.surprises[num]))
        return all_judged.finding(
            num,
            what=(user_id, item_id),
            contributions=shares("item_id", [reason]),
            user_id=user_id,
            item_id=item_id,
        )

    return all_judged.findings(
        "interaction",
        look.predictor.artifact_id,
        look.config.kept,
        one,
        family=row_nums,
        per_family=PER_USER,
    )


def find_items(look: Look) -> Findings:
    """The items whose users are least expected to have them, beside items with as many users.

    The p-value is the share of the items at least as strange; contributions are by user.
    """
    x = look.x
    audience = torch.bincount(x.indices, minlength=x.n_items)
    sums = torch.zeros(x.n_items, dtype=torch.float64).index_add_(0, x.indices, look.surprises)
    nums = (audience >= MIN_AUDIENCE).nonzero()[:, 0]
    means, sizes = sums[nums] / audience[nums], audience[nums]
    median, spread = fit_usual(means, sizes).at(sizes)
    scores = (means - median) / spread
    all_judged = ranked(scores, look.config)
    item_ids, row_nums = look.predictor.vocabulary.item_ids, x.row_nums

    def one(place: int) -> NewAnomaly:
        own = (x.indices == nums[place]).nonzero()[:, 0]
        adds = (look.surprises[own] - median[place]) / (spread[place] * len(own))
        reasons: Reasons = zip(
            (look.rows.user_ids[num] for num in row_nums[own].tolist()),
            x.values[own].tolist(),
            look.scored.entries.expected[own].tolist(),
            adds.tolist(),
            strict=True,
        )
        item_id = item_ids[int(nums[place])]
        return all_judged.finding(
            place, what=(item_id,), contributions=shares("user_id", reasons), item_id=item_id
        )

    return all_judged.findings("item", look.predictor.artifact_id, look.config.kept, one)
