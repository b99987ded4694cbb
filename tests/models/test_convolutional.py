"""The convolutional autoencoder: any encoder mirrored, and what it learns of small pictures."""

import json
from dataclasses import asdict

import pytest
import torch
from torch import Tensor

from models.autoencoders.agreement import OVERLAP_WEIGHT, disagreement
from models.autoencoders.convolutional import ConvolutionalAutoencoder, ConvolutionalConfig
from models.autoencoders.whitening import Whitening
from models.encoders.catalog import ENCODERS, build_encoder
from models.encoders.mirror import mirror, shapes_of
from models.errors import ConfigError
from models.fitting import FitConfig, Fitting

PIXELS = 28 * 28


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def network(n_items: int = PIXELS, **options: object) -> ConvolutionalAutoencoder:
    config = ConvolutionalConfig(**{"latent_dim": 8, **options})
    return ConvolutionalAutoencoder(config, n_items=n_items, generator=generator())


def bars(count: int, *, standing: bool) -> Tensor:
    """Pictures of two bars, which all stand or all lie, (count, PIXELS)."""
    places = torch.randint(2, 26, (count, 2), generator=generator(1)).tolist()
    x = torch.zeros(count, 28, 28)
    for picture, pair in zip(x, places, strict=True):
        (picture.T if standing else picture)[pair] = 1.0
    return x.flatten(1)


def fit(net: ConvolutionalAutoencoder, x: Tensor, epochs: int) -> None:
    config = FitConfig(epochs=epochs, learning_rate=5e-3)
    fitting = Fitting(net, config, generator=generator())
    for _ in range(epochs):
        fitting.run_epoch(lambda: x.split(32))


def errors(net: ConvolutionalAutoencoder, x: Tensor) -> float:
    with torch.inference_mode():
        return float((net.reconstruct(x) - x).square().mean())


NARROW = [{"layer": "stage", "width": 16, "blocks": 2, "stride": 2}]


@pytest.mark.parametrize(
    ("encoder", "options"),
    [(e, {}) for e in ("lenet", "alexnet", "zfnet", "googlenet", "vgg11", "resnet18")]
    + [("resnet50", {"stages": NARROW})],
)
def test_any_encoder_is_mirrored_and_all_of_it_learns(
    encoder: str, options: dict[str, object]
) -> None:
    net = network(encoder=encoder, encoder_options=options).train()
    x = torch.rand(2, PIXELS, generator=generator(2))
    terms = net.loss(x, generator())
    terms.total.backward()
    assert terms.penalty.item() == 0
    assert net.encode(x).shape == (2, 8)
    assert net.reconstruct(x).shape == x.shape
    still = [n for n, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    assert still == []


@pytest.mark.parametrize("encoder", ENCODERS)
def test_the_mirror_of_every_encoder_ends_with_an_image(encoder: str) -> None:
    outline = build_encoder(encoder, {"n_classes": None}, small=True, generator=None)
    image = (outline.in_channels, 28, 28)
    shapes = shapes_of(outline, image)
    decoder = mirror(outline.steps(), shapes).eval()
    assert decoder(torch.empty(1, *shapes[-1], device="meta")).shape[1:] == image


@pytest.mark.parametrize(("height", "width"), [(28, 28), (33, 47), (8, 8)])
def test_images_of_any_shape_come_back_in_it(height: int, width: int) -> None:
    net = network(3 * height * width, encoder="resnet18", shape=(3, height, width)).eval()
    x = torch.rand(2, 3 * height * width, generator=generator())
    assert net.reconstruct(x).shape == x.shape
    assert net.maps_of(x).shape == (2, 3, height, width)


def test_it_learns_its_own_pictures_and_rebuilds_others_worse() -> None:
    net = network().eval()
    standing, lying = bars(288, standing=True), bars(32, standing=False)
    before = errors(net, standing[256:])
    fit(net, standing[:256], epochs=20)
    unseen = errors(net, standing[256:])
    assert unseen < before / 4
    assert errors(net, lying) > 1.5 * unseen


def test_the_same_generator_gives_the_same_weights() -> None:
    before = torch.get_rng_state()
    pairs = zip(network().state_dict().values(), network().state_dict().values(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)
    assert torch.equal(before, torch.get_rng_state())


def test_damage_is_done_in_training_only() -> None:
    net = network(corruption="salt-and-pepper", corruption_rate=0.2).eval()
    x = bars(4, standing=True)
    damaged = net.corrupt(x, generator())
    assert not torch.equal(damaged.to_dense(), x)
    assert torch.equal(net.logits(x), net.logits(x))
    assert net.loss(x, generator()).total.item() != net.loss(x, generator(5)).total.item()
    assert network().corrupt(x, generator()) is x


def test_the_code_is_its_only_space() -> None:
    net, x = network().eval(), bars(3, standing=True)
    code = net.user_embeddings(x, "code")
    assert code is not None
    assert torch.equal(code, net.encode(x))
    assert net.user_embeddings(x, "decoder") is None
    assert net.item_embeddings() is None


def test_in_training_images_move_and_are_lit_otherwise() -> None:
    x = bars(4, standing=True)
    net = network(shift=1, relight=0.5)
    seen = net.corrupt(x, generator())
    assert isinstance(seen, Tensor)
    assert seen.shape == x.shape
    assert len(seen.amax(dim=1).unique()) == 4
    assert torch.equal(net.eval().logits(x), net.logits(x))


def test_views_that_agree_cost_less() -> None:
    draw = generator()
    codes = torch.randn(512, 4, generator=draw)
    unlike = disagreement(codes, torch.randn(512, 4, generator=draw))
    assert disagreement(codes, 2 * codes + 1).item() < 0.01  # uncorrelated numbers, the same twice
    assert unlike.item() == pytest.approx(4, abs=0.5)
    repeated = codes[:, :1].expand(-1, 4)
    assert disagreement(repeated, repeated).item() == pytest.approx(OVERLAP_WEIGHT * 12, rel=1e-3)
    assert disagreement(codes[:1], codes[:1]).item() == 0


def test_the_price_of_disagreement_is_in_the_loss() -> None:
    x = bars(16, standing=True)
    terms = [
        network(shift=1, agreement_weight=w).train().loss(x, generator()) for w in (0.0, 1.0, 2.0)
    ]
    assert terms[0].penalty.item() == 0
    assert terms[2].penalty.item() == pytest.approx(2 * terms[1].penalty.item())


def test_codes_brought_to_agree_do() -> None:
    x, other = bars(128, standing=True), bars(64, standing=False)
    x = torch.cat([x, other])

    def distance(weight: float) -> float:
        net = network(relight=0.7, agreement_weight=weight)
        fit(net, x, epochs=5)
        with torch.inference_mode():
            return disagreement(net.encode(x), net.encode(0.6 * x)).item()

    assert distance(20.0) < distance(0.0)


def test_the_embedding_is_evened_out_once_solved() -> None:
    x = bars(256, standing=True)
    net = network(whitening=1.0)
    fit(net, x, epochs=2)
    net.solve(x)
    embedding = net.user_embeddings(x, "code")
    assert embedding is not None
    assert torch.allclose(embedding.norm(dim=1), torch.ones(256), atol=1e-5)
    whole = net.whitening
    assert whole is not None
    even = (net.encode(x) - whole.mean) @ whole.axes
    assert torch.allclose(even.T @ even / len(x), torch.eye(8), atol=0.02)
    again = network(whitening=1.0).eval()
    again.load_state_dict(net.state_dict())
    assert torch.equal(again.user_embeddings(x, "code"), embedding)


def test_evening_out_nothing_keeps_the_angles() -> None:
    codes = torch.randn(50, 3, generator=generator()) * torch.tensor([1.0, 5.0, 0.1])
    whitening = Whitening(3, 0.0)
    whitening.learn(codes)
    turned, centred = whitening(codes), codes - codes.mean(dim=0)
    plain = torch.nn.functional.normalize(centred, dim=1)
    assert torch.allclose(turned @ turned.T, plain @ plain.T, atol=1e-4)


def test_a_config_survives_json() -> None:
    features = [{"layer": "conv", "filters": 4, "size": 3}]
    config = ConvolutionalConfig(encoder_options={"features": features}, latent_dim=3)
    values = json.loads(json.dumps(asdict(config)))
    values["shape"] = tuple(values["shape"])
    assert ConvolutionalConfig(**values) == config


@pytest.mark.parametrize(
    ("options", "field", "message"),
    [
        ({"encoder": "lenett"}, "encoder", "Did you mean 'lenet'"),
        ({"shape": (1, 28)}, "shape", "3 whole numbers"),
        ({"encoder_options": {"grids": 1}}, "encoder_options/grids", "Did you mean 'grid'"),
        ({"encoder_options": {"in_channels": 3}}, "encoder_options/in_channels", "set shape"),
        ({"encoder_options": {"features": 3}}, "encoder_options/features", "list of lines"),
        ({"shape": (3, 28, 28)}, "shape", "takes 2352"),
        ({"encoder": "vgg11", "small": False}, "image", "needs 32 a side"),
        ({"shift": -1}, "shift", "whole number"),
        ({"relight": -0.1}, "relight", "negative"),
        ({"agreement_weight": -1.0}, "agreement_weight", "negative"),
        ({"whitening": 1.5}, "whitening", "must be in"),
        ({"latent_dim": 0}, "latent_dim", "at least 1"),
        ({"corruption_rate": 1.0}, "corruption_rate", "must be in"),
    ],
)
def test_what_cannot_be_built_is_named(
    options: dict[str, object], field: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as raised:
        network(**options)
    assert raised.value.field == field
