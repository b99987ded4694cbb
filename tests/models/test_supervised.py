"""Fitting to labels: it learns, its schedule, precision, moved and mirrored pictures, resuming."""

import math

import pytest
import torch
from torch import Tensor

from models.augmentation import flip, relight, shift
from models.encoders.base import ImageEncoder
from models.encoders.catalog import build_encoder
from models.errors import ConfigError
from models.recognition import Recogniser
from models.supervised import SCHEDULES, SupervisedConfig, SupervisedFitting, fit_recogniser


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def bars(count: int) -> tuple[Tensor, Tensor]:
    """Pictures of one bar, and whether it stands."""
    x = torch.zeros(count, 1, 12, 12)
    labels = torch.arange(count) % 2
    places = torch.randint(2, 10, (count,), generator=generator(1)).tolist()
    for picture, stands, place in zip(x[:, 0], labels.tolist(), places, strict=True):
        (picture.T if stands else picture)[place] = 1.0
    return x, labels


def small_encoder() -> ImageEncoder:
    features = [
        {"layer": "conv", "filters": 4, "size": 3, "padding": 1, "normalised": True},
        {"layer": "pool", "kind": "max", "size": 2, "stride": 2},
    ]
    values = {"features": features, "classifier": [], "grid": 3, "n_classes": 2}
    return build_encoder("lenet", values, generator=generator())


def accuracy(recogniser: Recogniser, x: Tensor, labels: Tensor) -> float:
    with torch.inference_mode():
        return float((recogniser.probabilities(x).argmax(dim=1) == labels).float().mean())


@pytest.mark.parametrize(
    "options",
    [
        {"learning_rate": 0.02},
        {"learning_rate": 0.02, "shift": 1, "flip": True},
        {"learning_rate": 0.02, "precision": "bfloat16"},
        {"learning_rate": 0.1, "optimiser": "sgd", "schedule": "constant"},
    ],
)
def test_it_learns_which_way_bars_lie(options: dict[str, object]) -> None:
    x, labels = bars(160)
    recogniser, heard = Recogniser(small_encoder()), []
    config = SupervisedConfig(epochs=6, batch_size=16, **options)  # type: ignore[arg-type]
    fit_recogniser(
        recogniser,
        x[:128],
        labels[:128],
        config,
        generator=generator(),
        on_epoch=lambda number, loss: heard.append((number, loss)),
    )
    assert accuracy(recogniser, x[128:], labels[128:]) > 0.9
    assert [number for number, _ in heard] == [1, 2, 3, 4, 5, 6]
    assert heard[-1][1] < heard[0][1]
    assert not recogniser.network.training  # type: ignore[attr-defined]


def test_several_classes_at_once_are_learnt_too() -> None:
    x, labels = bars(64)
    recogniser = Recogniser(small_encoder(), "sigmoid")
    config = SupervisedConfig(epochs=6, batch_size=16, learning_rate=0.02)
    both = torch.nn.functional.one_hot(labels)
    fit_recogniser(recogniser, x, both, config, generator=generator())
    assert accuracy(recogniser, x, labels) > 0.9


def test_a_fit_that_was_interrupted_ends_with_the_same_weights() -> None:
    x, labels = bars(40)
    config = SupervisedConfig(epochs=3, batch_size=16, shift=1)
    whole = SupervisedFitting(Recogniser(small_encoder()), config, generator=generator())
    for _ in range(3):
        whole.run_epoch(x, labels)
    first = SupervisedFitting(Recogniser(small_encoder()), config, generator=generator())
    first.run_epoch(x, labels)
    second = SupervisedFitting(Recogniser(small_encoder()), config, generator=generator(9))
    second.restore(first.state())
    for _ in range(2):
        second.run_epoch(x, labels)
    pairs = zip(
        whole.network.state_dict().values(), second.network.state_dict().values(), strict=True
    )
    assert all(torch.equal(one, other) for one, other in pairs)


def test_one_cycle_rises_and_falls_to_nothing() -> None:
    shares = [SCHEDULES["one-cycle"](step / 100) for step in range(101)]
    assert shares[0] == 0
    assert max(shares) == pytest.approx(1) == shares[30]
    assert shares[-1] == pytest.approx(0)
    assert shares[:31] == sorted(shares[:31])
    assert shares[30:] == sorted(shares[30:], reverse=True)


def test_frozen_weights_stay() -> None:
    network = small_encoder()
    network.features.requires_grad_(False)
    before = network.state_dict()["features.0.weight"].clone()
    config = SupervisedConfig(epochs=1)
    fit_recogniser(Recogniser(network), *bars(16), config, generator=generator())
    assert torch.equal(network.state_dict()["features.0.weight"], before)


def test_what_cannot_be_fitted_is_named() -> None:
    x, labels = bars(8)
    config = SupervisedConfig(epochs=1, shift=1)
    fitting = SupervisedFitting(Recogniser(small_encoder()), config, generator=generator())
    with pytest.raises(ConfigError, match="8 rows and 7 labels"):
        fitting.run_epoch(x, labels[:7])
    with pytest.raises(ConfigError, match="moved or mirrored"):
        fitting.run_epoch(x.flatten(1), labels)
    fitting.run_epoch(x, labels)
    with pytest.raises(ConfigError, match="All 1 epochs are done"):
        fitting.run_epoch(x, labels)
    with pytest.raises(FloatingPointError, match="learning rate"):
        SupervisedFitting(fitting_of_nothing(), config, generator=generator()).run_epoch(x, labels)


def fitting_of_nothing() -> Recogniser:
    network = small_encoder()
    torch.nn.init.constant_(network.head.bias, math.nan)
    return Recogniser(network)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0),
        ("batch_size", 0),
        ("learning_rate", 0.0),
        ("weight_decay", -1.0),
        ("shift", -1),
        ("shift", 0.5),
        ("optimiser", "adam"),
        ("schedule", "cosine"),
        ("precision", "half"),
    ],
)
def test_an_impossible_option_is_named(field: str, value: object) -> None:
    with pytest.raises(ConfigError) as raised:
        SupervisedConfig(**{field: value})  # type: ignore[arg-type]
    assert raised.value.field == field


def test_a_moved_picture_is_whole_where_it_fits() -> None:
    x = torch.zeros(64, 2, 9, 7)
    x[:, :, 4, 3] = 1.0
    moved = shift(x, 2, generator())
    assert moved.shape == x.shape
    assert torch.equal(moved.sum(dim=(1, 2, 3)), torch.full((64,), 2.0))
    places = {tuple(place) for place in moved[:, 0].nonzero()[:, 1:].tolist()}
    assert places <= {(row, column) for row in range(2, 7) for column in range(1, 6)}
    assert len(places) > 15
    assert torch.equal(moved[:, 0], moved[:, 1])
    assert torch.equal(shift(x, 0, generator()), x)


def test_about_half_of_the_pictures_are_mirrored() -> None:
    x = torch.rand(200, 1, 3, 4, generator=generator())
    mirrored = flip(x, generator())
    changed = (mirrored != x).flatten(1).any(dim=1)
    assert 70 < changed.sum() < 130
    assert torch.equal(mirrored[changed], x[changed].flip(3))


def test_each_picture_is_lit_by_a_factor_of_its_own() -> None:
    x = torch.rand(200, 2, 3, 4, generator=generator()) + 0.1
    factors = (relight(x, 0.5, generator()) / x).flatten(1)
    assert torch.allclose(factors.amin(dim=1), factors.amax(dim=1))
    logarithms = factors[:, 0].log()
    assert logarithms.abs().max() <= 0.5 + 1e-5
    assert logarithms.min() < -0.45
    assert logarithms.max() > 0.45
