"""How much each member of a blend should count, by the users who judge. Not the blend itself.

Greedy selection with replacement (Caruana et al. 2004, "Ensemble selection from libraries of
models"): begin with the member that ranks best and add, PICKS times in all, the one with which the
sum ranks best; the weights are how often each was taken up to the best sum of all.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from models.autoencoders.base import Network
from models.autoencoders.joint import standardised
from models.scoring.ranking import mask, top_n
from pipelines.data.interactions import to_rows
from pipelines.data.splits import HeldOut
from pipelines.training.metrics.ndcg import ndcg_at_k

PICKS = 20
DEPTH = 100
"""The k of the NDCG that decides, as everywhere."""
SCORES_BYTES = 1 << 30
"""Of all members' scores of the users who judge; where more would judge, only the first do."""
ROWS_AT_ONCE = 256


def blend_weights(networks: Sequence[Network], users: HeldOut) -> tuple[float, ...]:
    """One weight a member, summing to 1; 0 for those that are of no use."""
    n_users = SCORES_BYTES // (4 * len(networks) * users.fold_in.shape[1])
    users = HeldOut(users.fold_in[: max(n_users, 1)], users.held_out[: max(n_users, 1)])
    relevant = to_rows(users.held_out)
    scores = [_scores(network, users) for network in networks]
    return _greedy(scores, relevant.to_dense() > 0, np.diff(users.held_out.indptr))


def _scores(network: Network, users: HeldOut) -> Tensor:
    """As the blend sums them, without what is folded in: (n_users, n_items)."""
    blocks = []
    for start in range(0, users.fold_in.shape[0], ROWS_AT_ONCE):
        rows = to_rows(users.fold_in[start : start + ROWS_AT_ONCE])
        with torch.inference_mode():
            blocks.append(mask(standardised(network.logits(rows)), rows))
    return torch.cat(blocks)


def _greedy(scores: list[Tensor], relevant: Tensor, n_held_out: np.ndarray) -> tuple[float, ...]:
    def worth(total: Tensor) -> float:
        hits = relevant.gather(1, top_n(total, DEPTH)[1]).numpy()
        return float(np.nanmean(ndcg_at_k(hits, n_held_out, DEPTH)))

    picks: list[int] = []
    total = torch.zeros_like(scores[0])
    worths: list[float] = []
    for _ in range(PICKS if len(scores) > 1 else 1):
        judged = [worth(total + member) for member in scores]
        picks.append(max(range(len(scores)), key=judged.__getitem__))
        worths.append(judged[picks[-1]])
        total += scores[picks[-1]]
    taken = picks[: worths.index(max(worths)) + 1]
    return tuple(taken.count(num) / len(taken) for num in range(len(scores)))
