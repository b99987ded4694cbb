"""A layer that goes back through another layer's weights. Not a kind.

Tied weights halve a symmetric network: the decoder's matrix is the encoder's transposed. The
matrix is stored once, with the layer it came from; only the bias is the tied layer's own.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.autoencoders.layers import SparseLinear


class TiedLinear(nn.Module):
    """From what `source` gives back to what it reads; its bias starts at zero."""

    def __init__(self, source: nn.Linear | SparseLinear) -> None:
        super().__init__()
        self._source = (source,)  # in a tuple it is no submodule: its weight is stored once
        self.bias = nn.Parameter(torch.zeros(len(self.weight)))

    @property
    def weight(self) -> Tensor:
        """What a linear layer of its own would hold, (out_features, in_features)."""
        source = self._source[0]
        return source.weight if isinstance(source, SparseLinear) else source.weight.T

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias)


def tied_stack(encoder: nn.Sequential) -> nn.Sequential:
    """The mirror of an encoder of linear layers with an activation after each, but for the way
    back to the items: that one is the output layer's.
    """
    layers = list(encoder)[2:]
    mirrored: list[nn.Module] = []
    for linear, activation in zip(layers[-2::-2], layers[::-2], strict=True):
        assert isinstance(linear, nn.Linear)
        mirrored += [TiedLinear(linear), activation]
    return nn.Sequential(*mirrored)
