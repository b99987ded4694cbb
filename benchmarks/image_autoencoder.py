"""The convolutional autoencoder of the picture benchmarks, fitted without labels. Not its uses."""

import torch
from torch import Tensor

from benchmarks.image_recognition import OnProgress, conv, in_lines
from models.autoencoders.convolutional import ConvolutionalAutoencoder, ConvolutionalConfig
from models.fitting import FitConfig, Fitting

NETWORK = ConvolutionalConfig(
    encoder="lenet",
    encoder_options={"features": [conv(32, 3, 2), conv(64, 3, 2)]},
    small=False,
    latent_dim=64,
    shift=1,
    relight=0.5,
    agreement_weight=20.0,
    whitening=0.5,
)
"""28 x 28 become 32 maps of 14 x 14, 64 maps of 7 x 7, and a code of 64 numbers."""
FITS = (
    FitConfig(epochs=6, batch_size=128, learning_rate=2e-3),
    FitConfig(epochs=2, batch_size=128, learning_rate=3e-4),
)
"""One after the other: fast, then fine."""


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
