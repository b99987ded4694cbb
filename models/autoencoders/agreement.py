"""What it costs when two views of the same thing get different codes. Not how views are made."""

from torch import Tensor

OVERLAP_WEIGHT = 0.02
"""What the overlap of two numbers of a code counts beside the agreement of one."""


def disagreement(one: Tensor, other: Tensor) -> Tensor:
    """How far the correlations of two views' codes are from the identity, a scalar.

    one, other: (batch, latent_dim), row by row of the same things. Each number of a code should
    be the same in both views, (1 - c_ii)^2, and say something of its own, c_ij^2 (Zbontar et al.
    2021, "Barlow Twins", eq. 1). A batch of one has no correlations and costs nothing.
    """
    if len(one) < 2:
        return one.new_zeros(())
    correlations = _standardised(one).T @ _standardised(other) / len(one)
    same = correlations.diagonal()
    overlap = correlations.square().sum() - same.square().sum()
    cost: Tensor = (1 - same).square().sum() + OVERLAP_WEIGHT * overlap
    return cost


def _standardised(codes: Tensor) -> Tensor:
    deviation, mean = codes.var(dim=0, correction=0).add(1e-8).sqrt(), codes.mean(dim=0)
    return (codes - mean) / deviation
