"""Recognition: the loss in its parts, what the logits mean, and that it learns."""

import math

import pytest
import torch
from torch import Tensor

from models.autoencoders.convolutional import ConvolutionalAutoencoder, ConvolutionalConfig
from models.encoders.catalog import build_encoder
from models.encoders.layers import Dense
from models.errors import ConfigError
from models.recognition import AUXILIARY_WEIGHT, CodeClassifier, Recogniser
from tests.models.conftest import small_network


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Fixed:
    """A network that answers with the logits it was given."""

    def __init__(self, *logits: Tensor) -> None:
        self.logits = logits

    def all_logits(self, x: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, ...]:
        return self.logits


X = torch.zeros(2, 1)


def test_softmax_is_cross_entropy_of_the_right_class() -> None:
    recogniser = Recogniser(Fixed(torch.tensor([[0.0, math.log(3)], [0.0, 0.0]])))
    probabilities = recogniser.probabilities(X)
    assert torch.allclose(probabilities, torch.tensor([[0.25, 0.75], [0.5, 0.5]]))
    terms = recogniser.loss(X, torch.tensor([0, 1]))
    assert terms.cross_entropy.item() == pytest.approx((math.log(4) + math.log(2)) / 2)
    assert terms.auxiliary.item() == 0
    assert terms.total.item() == terms.cross_entropy.item()


def test_sigmoid_asks_of_each_class_by_itself() -> None:
    logits = torch.tensor([[math.log(3), 0.0], [0.0, 0.0]])
    recogniser = Recogniser(Fixed(logits), "sigmoid")
    assert torch.allclose(recogniser.probabilities(X)[0], torch.tensor([0.75, 0.5]))
    terms = recogniser.loss(X, torch.tensor([[0, 1], [1, 1]]))
    assert terms.total.item() == pytest.approx((math.log(4) + 3 * math.log(2)) / 2)


def test_auxiliary_heads_count_a_third_or_so() -> None:
    main, other = torch.tensor([[0.0, 1.0], [2.0, 0.0]]), torch.zeros(2, 2)
    terms = Recogniser(Fixed(main, other, other)).loss(X, torch.tensor([0, 1]))
    assert terms.auxiliary.item() == pytest.approx(AUXILIARY_WEIGHT * 2 * math.log(2))
    assert terms.total.item() == pytest.approx((terms.cross_entropy + terms.auxiliary).item())


@pytest.mark.parametrize(
    ("output", "labels"),
    [
        ("softmax", torch.tensor([0, 2])),
        ("softmax", torch.tensor([0.0, 1.0])),
        ("softmax", torch.tensor([[0, 1], [1, 0]])),
        ("sigmoid", torch.tensor([0, 1])),
        ("sigmoid", torch.tensor([[0, 2], [1, 0]])),
    ],
)
def test_labels_of_another_form_are_refused(output: str, labels: Tensor) -> None:
    with pytest.raises(ConfigError, match=f"With {output}") as raised:
        Recogniser(Fixed(torch.zeros(2, 2)), output).loss(X, labels)
    assert raised.value.field == "labels"


def test_an_unknown_output_is_refused() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'softmax'"):
        Recogniser(Fixed(), "sofmax")


def bars(count: int) -> tuple[Tensor, Tensor]:
    """Pictures of one bar in noise, and whether it stands."""
    draw = generator(1)
    x = 0.3 * torch.rand(count, 1, 28, 28, generator=draw)
    labels = torch.arange(count) % 2
    places = torch.randint(4, 24, (count,), generator=draw).tolist()
    for picture, stands, place in zip(x[:, 0], labels.tolist(), places, strict=True):
        (picture.T if stands else picture)[place] = 1.0
    return x, labels


def test_a_lenet_learns_which_way_bars_lie() -> None:
    network = build_encoder("lenet", {"n_classes": 2}, small=True, generator=generator())
    recogniser = Recogniser(network)
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3)
    x, labels = bars(128)
    for step in range(60):
        batch = slice(32 * (step % 3), 32 * (step % 3 + 1))
        optimiser.zero_grad()
        recogniser.loss(x[batch], labels[batch]).total.backward()
        optimiser.step()
    guessed = recogniser.probabilities(x[96:]).argmax(dim=1)
    assert (guessed == labels[96:]).float().mean() > 0.9


def test_googlenet_hands_its_auxiliary_heads_to_the_loss() -> None:
    values = {"n_classes": 3, "in_channels": 1}
    network = build_encoder("googlenet", values, small=True, generator=generator()).train()
    terms = Recogniser(network).loss(torch.rand(2, 1, 28, 28), torch.tensor([0, 2]), generator())
    assert terms.auxiliary.item() > 0


def test_a_head_on_an_autoencoders_code_fine_tunes_the_encoder() -> None:
    autoencoder = small_network("undercomplete", 6)
    network = CodeClassifier(autoencoder, 4, 3, hidden=(Dense(5),), generator=generator())
    x, labels = torch.eye(6), torch.tensor([0, 1, 2, 0, 1, 2])
    assert network(x).shape == (6, 3)
    Recogniser(network).loss(x, labels, generator()).total.backward()
    first = autoencoder.encoder[0].weight
    assert first.grad is not None
    assert first.grad.any()


def test_codes_of_images_serve_as_well() -> None:
    config = ConvolutionalConfig(latent_dim=6)
    autoencoder = ConvolutionalAutoencoder(config, n_items=784, generator=generator())
    network = CodeClassifier(autoencoder, 6, 2, generator=generator())
    x, labels = bars(8)
    Recogniser(network).loss(x.flatten(1), labels).total.backward()
    assert all(p.grad is not None for p in autoencoder.encoder.parameters())
    assert all(p.grad is None for p in autoencoder.decoder.parameters())
