"""Signals along one axis and along three: rebuilt, told from others, and sorted into classes."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from models.autoencoders.shaped import ShapedAutoencoder
from models.catalog import build
from models.encoders.catalog import build_encoder
from models.errors import ConfigError
from models.fitting import FitConfig, Fitting
from models.recognition import Recogniser
from models.supervised import SupervisedConfig, fit_recogniser

LENGTH = 64
UNSEEN = (7001, 7301)
"""Seeds of the rows to judge by: others than those with which the networks were chosen."""


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def sines(count: int, *, cycles: tuple[float, float], seed: int) -> Tensor:
    """Sines of any phase, with so many cycles a window, (count, LENGTH)."""
    low, high = cycles
    draws = torch.rand(2, count, 1, generator=generator(seed))
    frequency = low + (high - low) * draws[0]
    return torch.sin(2 * torch.pi * (frequency * torch.arange(LENGTH) / LENGTH + draws[1]))


def clips(count: int, *, seed: int, moves: bool = True) -> Tensor:
    """Clips of 8 pictures of 8 x 8: a blob that goes right by a pixel a picture, or stands still,
    (count, 512).
    """
    row, column = torch.rand(2, count, 1, 1, 1, generator=generator(seed)) * 5 + 1
    time, y, x = torch.arange(8.0)[:, None, None], torch.arange(8.0)[:, None], torch.arange(8.0)
    centre = (column + time) % 8 if moves else (column + 0 * time) % 8
    distance = ((x - centre + 4) % 8 - 4).square() + (y - row).square()
    return torch.exp(-distance / 3).flatten(1)


def trained(kind: str, x: Tensor, epochs: int, **options: object) -> ShapedAutoencoder:
    network = build(kind, options, n_items=x.shape[1], generator=generator())
    fitting = Fitting(network, FitConfig(learning_rate=0.01), generator=generator())
    for _ in range(epochs):
        fitting.run_epoch(lambda: x.split(32))
    return network


def errors(network: ShapedAutoencoder, x: Tensor, clean: Tensor | None = None) -> float:
    with torch.inference_mode():
        return float((network.reconstruct(x) - (x if clean is None else clean)).square().mean())


def spread(x: Tensor) -> float:
    """What the mean of all rows would miss."""
    return float((x - x.mean(dim=0)).square().mean())


def test_windows_of_sines_are_rebuilt_and_faster_ones_are_strange() -> None:
    slow = {"cycles": (2.0, 5.0)}
    network = trained("sequence", sines(384, seed=1, **slow), 20, shape=[1, LENGTH], latent_dim=8)
    for seed in UNSEEN:
        unseen = sines(64, seed=seed, **slow)
        assert errors(network, unseen) < 0.2 * spread(unseen)
        faster = sines(64, seed=seed + 1, cycles=(9.0, 12.0))
        assert errors(network, faster) > 3 * errors(network, unseen)


def test_a_denoising_one_takes_the_hiss_out_of_a_window() -> None:
    tune = {"cycles": (2.0, 4.0)}
    network = trained(
        "sequence",
        sines(384, seed=1, **tune),
        15,
        shape=[1, LENGTH],
        latent_dim=8,
        corruption_rate=0.5,
    )
    for seed in UNSEEN:
        clean = sines(64, seed=seed, **tune)
        noisy = clean + 0.5 * torch.randn(clean.shape, generator=generator(seed + 1))
        assert errors(network, noisy, clean) < 0.5 * float((noisy - clean).square().mean())


def test_sequences_of_items_have_a_channel_an_item() -> None:
    start = torch.randint(5, (256, 1), generator=generator(1))
    rounds = F.one_hot((start + torch.arange(16)) % 5, 5).mT.float()  # (256, 5, 16)
    network = trained(
        "sequence", rounds.flatten(1), 10, shape=[5, 16], latent_dim=4, loss="bernoulli"
    )
    with torch.inference_mode():
        rebuilt = network.reconstruct(rounds.flatten(1)).reshape(rounds.shape)
    assert (rebuilt.argmax(dim=1) == rounds.argmax(dim=1)).float().mean() > 0.95


def test_clips_of_a_moving_blob_are_rebuilt_and_one_that_stands_still_is_strange() -> None:
    network = trained("volume", clips(512, seed=1), 15, shape=[1, 8, 8, 8], latent_dim=8)
    for seed in UNSEEN:
        unseen = clips(64, seed=seed)
        assert errors(network, unseen) < 0.3 * spread(unseen)
        assert errors(network, clips(64, seed=seed + 1, moves=False)) > 2 * errors(network, unseen)


def tunes(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Sound of two genres, and which: one beats evenly with hollow notes (odd harmonics), one
    limps with full notes; pitch, phase and hiss tell nothing. (count, 1, 256), (count,)
    """
    draws = torch.rand(2, count, 1, generator=generator(seed))
    labels = torch.arange(count) % 2
    time = torch.arange(256) / 256
    pitch = 2 * torch.pi * (20 + 10 * draws[0]) * time
    hollow = torch.sin(pitch) + torch.sin(3 * pitch) / 3
    full = torch.sin(pitch) + torch.sin(2 * pitch) / 2
    beat = (time * 8 + draws[1]) % 1
    even, limping = beat < 0.5, (beat < 0.25) | ((beat > 0.35) & (beat < 0.6))
    sound = torch.where(labels[:, None] == 0, hollow * even, full * limping)
    hiss = 0.3 * torch.randn(sound.shape, generator=generator(seed + 1))
    return (sound + hiss)[:, None], labels


def texts(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Texts of 32 letters in two languages, and which, a channel a letter: both write the same
    letters as often, one in pairs of consonant and vowel, one the other way round.
    """
    drawn = torch.randint(4, (count, 2, 16), generator=generator(seed))
    labels = torch.arange(count) % 2
    pairs = torch.stack([drawn[:, 0], 4 + (drawn[:, 0] + drawn[:, 1] // 2) % 4], dim=2)
    turned = torch.stack([4 + drawn[:, 0], (drawn[:, 0] + 2 + drawn[:, 1] // 2) % 4], dim=2)
    letters = torch.where(labels[:, None, None] == 0, pairs, turned).flatten(1)
    start = torch.randint(2, (count,), generator=generator(seed + 1))
    letters = torch.where(start[:, None] == 0, letters, letters.roll(1, dims=1))
    return F.one_hot(letters, 8).mT.float(), labels


@pytest.mark.parametrize(("world", "channels"), [(tunes, 1), (texts, 8)], ids=["genre", "language"])
def test_a_classifier_along_one_axis_sorts_what_it_has_not_seen(world, channels) -> None:
    network = build_encoder(
        "sequence", {"in_channels": channels, "n_classes": 2}, generator=generator()
    )
    recogniser = Recogniser(network)
    x, labels = world(800, 10)
    config = SupervisedConfig(epochs=6, batch_size=20, learning_rate=0.01)
    fit_recogniser(recogniser, x, labels, config, generator=generator())
    for seed in UNSEEN:
        unseen, expected = world(400, seed)
        with torch.inference_mode():
            right = recogniser.probabilities(unseen).argmax(dim=1) == expected
        assert right.float().mean() > 0.95


def test_what_a_layer_sees_of_a_signal_is_known() -> None:
    fields = build_encoder("sequence", generator=None).receptive_fields()
    assert [(f.size, f.step) for f in fields.values()] == [(9, 2), (25, 4), (57, 8)]


@pytest.mark.parametrize(
    ("kind", "shape", "message"),
    [
        ("sequence", [1, 8, 8], "channels, length"),
        ("volume", [1, 8, 8], "channels, depth, height, width"),
        ("convolutional", [1, 8], "channels, height, width"),
    ],
)
def test_a_shape_of_other_axes_is_refused(kind: str, shape: list[int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(kind, {"shape": shape}, n_items=64, generator=generator())


def test_an_encoder_of_signals_refuses_images_by_name() -> None:
    network = build_encoder("sequence", generator=generator())
    with pytest.raises(ConfigError, match=r"reads \(batch, 1, length\)"):
        network.embed(torch.zeros(1, 1, 8, 8))
    with pytest.raises(ConfigError, match="encoder is 'sequence'"):
        build("convolutional", {"encoder": "sequence"}, n_items=784, generator=generator())
    with pytest.raises(ConfigError, match="slide along 1, 2 or 3"):
        build_encoder("sequence", {"axes": 4}, generator=generator())
