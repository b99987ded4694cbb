"""The convolutional autoencoder of the picture benchmarks, fitted without labels. Not its uses."""

import torch
from torch import Tensor

from benchmarks.image_recognition import OnProgress, in_lines
from models.autoencoders.convolutional import ConvolutionalAutoencoder, ConvolutionalConfig
from models.catalog import make_config
from models.fitting import FitConfig, Fitting
from pipelines.training.run_config import named_run

NETWORK: ConvolutionalConfig = make_config("convolutional", named_run("convolutional").network)
"""That of the run `convolutional`."""
FITS = (
    FitConfig(epochs=6, batch_size=128, learning_rate=2e-3),
    FitConfig(epochs=2, batch_size=128, learning_rate=3e-4),
)
"""One after the other: fast, then fine. The run has one fit, which its validation images stop."""


def fresh(generator: torch.Generator) -> ConvolutionalAutoencoder:
    """One that has seen nothing."""
    network = ConvolutionalAutoencoder(NETWORK, n_items=28 * 28, generator=generator)
    return in_lines(network)


def pretrained(x: Tensor, seed: int, on_progress: OnProgress) -> ConvolutionalAutoencoder:
    """One fitted to all rows of pixels, (n, 784), in [0, 1]."""
    generator = torch.Generator().manual_seed(seed)
    network = fresh(generator)
    epochs, total = 0, sum(config.epochs for config in FITS)
    for config in FITS:
        fitting = Fitting(network, config, generator=generator)
        for _ in range(config.epochs):
            order = torch.randperm(len(x), generator=generator)
            batches = torch.split(order, config.batch_size)
            loss = fitting.run_epoch(lambda batches=batches: (x[batch] for batch in batches))
            epochs += 1
            shown = f"without labels, loss {loss.reconstruction:.1f} + {loss.penalty:.1f}"
            on_progress(shown, epochs, total)
    network.solve(x)
    return network.eval()
