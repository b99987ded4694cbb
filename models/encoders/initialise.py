"""The weights that an image network begins with. Not published ones."""

import torch
from torch import nn

FILTERS = (
    *(nn.Conv1d, nn.Conv2d, nn.Conv3d),
    *(nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
)


def new_linear(n_in: int, n_out: int, generator: torch.Generator) -> nn.Linear:
    """A fresh dense layer; nothing is drawn from a hidden generator."""
    with torch.device("meta"):
        linear = nn.Linear(n_in, n_out)
    linear = linear.to_empty(device=generator.device)
    initialise(linear, generator)
    return linear


def initialise(network: nn.Module, generator: torch.Generator) -> None:
    """Draw every weight from the generator and set every bias and buffer.

    Filters are normal with variance 2 / n_in, which keeps signals alive through ReLUs (He et al.
    2015); dense layers Xavier-uniform (Glorot & Bengio 2010); normalisations begin as none.
    """
    for module in network.modules():
        if isinstance(module, FILTERS):
            nn.init.kaiming_normal_(module.weight, generator=generator)
        elif isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight, generator=generator)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)
            module.reset_running_stats()
        else:
            continue
        if module.bias is not None:
            nn.init.zeros_(module.bias)
