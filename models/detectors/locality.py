"""Errors beside those of the nearest training rows: what is hard for all around is no sign.

A row's errors are divided by the power p of what the member makes of the rows near it,

e / max(mean of s_j / t over the 10 nearest training rows j, 1e-3)^p

where s_j is the member's score of row j as if it were another, and t what is typical of these: as
the local outlier factor does with densities (Breunig et al. 2000), for any member. It is one number
a row, so that contributions still add up. Not how members are joined.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from models.detectors.contamination import typical_of
from models.detectors.members import Member, MemberName, reference_errors
from models.detectors.neighbours import Neighbours

N_NEAREST = 10
LEAST = 1e-3
"""Of what is typical: what the rows near one come to at least."""


@dataclass(frozen=True)
class Locality:
    """scores (n_reference, n_members): what members make of the reference rows of a neighbours
    member, by what is typical of these; powers (n_members,).
    """

    scores: Tensor
    powers: Tensor

    @staticmethod
    def of(scores: Tensor, powers: Sequence[float]) -> "Locality":
        """scores (n_reference, n_members), each at least 0."""
        typical = torch.tensor([typical_of(each) for each in scores.T], dtype=torch.float64)
        return Locality(scores / typical, torch.tensor(powers, dtype=torch.float64))

    def beside(
        self, errors: Sequence[Tensor], x: Tensor, members: Mapping[MemberName, Member]
    ) -> list[Tensor]:
        """The errors of rows x (n_rows, n_features), a tensor a member, divided."""
        near = members["neighbours"]
        assert isinstance(near, Neighbours)
        local = near.around(x, self.scores, k=N_NEAREST)
        scales = local.clamp_min(LEAST) ** self.powers  # (n_rows, n_members)
        return [error / scales[:, num : num + 1] for num, error in enumerate(errors)]


def fit_locality(
    members: Mapping[MemberName, Member],
    x: Tensor,
    errors: Sequence[Tensor],
    powers: Mapping[MemberName, float],
) -> Locality | None:
    """x (n_rows, n_features), errors: the training rows, and what each member makes of them as if
    they were others. None where no member has a power, or none has rows to find the nearest among.
    """
    near = members.get("neighbours")
    if not powers or not isinstance(near, Neighbours):
        return None
    if len(near.reference) < len(x):  # a part of them, drawn
        rows = near.reference.double()
        errors = [reference_errors(member, rows) for member in members.values()]
    scores = torch.stack([each.sum(dim=1) for each in errors], dim=1)
    return Locality.of(scores, [powers.get(name, 0.0) for name in members])
