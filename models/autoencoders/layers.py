"""The layers that several kinds share. Not a kind."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from models.errors import ConfigError, choice_error
from models.precision import reckoned
from models.products import times, wide_linear
from models.rows import Rows

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "relu": nn.ReLU,
    "selu": nn.SELU,
    "silu": nn.SiLU,
    "identity": nn.Identity,
}


class SparseLinear(nn.Module):
    """A linear layer over rows: the weighted sum of the weights of the items present.

    Of sparse rows its cost is that of the history, not the catalogue.
    """

    def __init__(self, n_items: int, out_features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_items, out_features))
        self.bias = nn.Parameter(torch.empty(out_features))

    def forward(self, x: Rows) -> Tensor:
        product = times(x, self.weight)
        return product + self.bias.to(product.dtype)


class WideLinear(nn.Linear):
    """A linear layer from few features to all items, quick for many rows."""

    def forward(self, x: Tensor) -> Tensor:
        x = reckoned(x)
        if self.training or x.dtype != self.weight.dtype:
            return wide_linear(x, self.weight, self.bias)
        return super().forward(x)


def dense_stack(dims: Sequence[int], activation: str) -> nn.Sequential:
    """Linear layers of the given widths, an activation after each; one width gives no layer."""
    layers: list[nn.Module] = []
    for before, after in zip(dims, dims[1:], strict=False):
        layers += [nn.Linear(before, after), ACTIVATIONS[activation]()]
    return nn.Sequential(*layers)


def sparse_stack(n_items: int, dims: Sequence[int], activation: str) -> nn.Sequential:
    """The same over sparse rows of n_items: a SparseLinear to dims[0], then the dense layers."""
    first = [SparseLinear(n_items, dims[0]), ACTIVATIONS[activation]()]
    return nn.Sequential(*first, *dense_stack(dims, activation))


def first_of(stack: nn.Sequential) -> SparseLinear:
    """The layer of a sparse stack that reads the rows."""
    layer = stack[0]
    assert isinstance(layer, SparseLinear)
    return layer


def check_widths(hidden_dims: Sequence[int], latent_dim: int) -> None:
    """Raise ConfigError unless every width is at least 1."""
    for field, width in (("latent_dim", latent_dim), *(("hidden_dims", w) for w in hidden_dims)):
        if width < 1:
            raise ConfigError(field, f"{field} has a width of {width}; it must be at least 1.")


def check_shape(shape: object, axes: Sequence[str]) -> None:
    """Raise ConfigError unless the shape is a whole number of at least 1 for each of the axes."""
    numbers = shape if isinstance(shape, tuple) else ()
    whole = all(isinstance(n, int) and n >= 1 for n in numbers)
    if len(numbers) != len(axes) or not whole:
        detail = f"shape must be {len(axes)} whole numbers of at least 1: {', '.join(axes)}."
        raise ConfigError("shape", detail)


def check_activation(field: str, name: str) -> None:
    """Raise ConfigError unless the name is among ACTIVATIONS."""
    if name not in ACTIVATIONS:
        raise choice_error(field, name, ACTIVATIONS)


def initialise(network: nn.Module, generator: torch.Generator) -> None:
    """Xavier-uniform weights and zero biases (Glorot & Bengio 2010), from the generator.

    A row of length 1 has the strength of one input however many items there are, so that is what
    counts as the inputs of a SparseLinear; counting the catalogue starts it all but dead.
    """
    for module in network.modules():
        if isinstance(module, nn.Linear | SparseLinear):
            n_out, n_in = module.weight.shape
            if isinstance(module, SparseLinear):
                n_in, n_out = 1, n_in
            bound = math.sqrt(6 / (n_in + n_out))
            nn.init.uniform_(module.weight, -bound, bound, generator=generator)
            nn.init.zeros_(module.bias)
