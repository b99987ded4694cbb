"""The six families of image networks: what they weigh, what they give, what they refuse."""

import json

import pytest
import torch
from torch import Tensor, nn

from models.encoders.base import ImageEncoder
from models.encoders.catalog import (
    ENCODERS,
    build_encoder,
    encoder_config_values,
    make_encoder_config,
)
from models.errors import ConfigError

PUBLISHED_COUNTS = {
    "lenet": 61_706,
    "alexnet": 61_100_840,
    "zfnet": 62_357_608,
    "googlenet": 6_624_904,
    "vgg11": 132_863_336,
    "vgg13": 133_047_848,
    "vgg16": 138_357_544,
    "vgg19": 143_667_240,
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
}

NARROW = [{"layer": "dense", "width": 16}]
"""A classifier that makes the heavy networks light."""


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def light(name: str, **options: object) -> ImageEncoder:
    """The network for small images with ten classes and, where it has one, a narrow classifier."""
    values: dict[str, object] = {"in_channels": 1, "n_classes": 10, **options}
    if name.startswith(("alexnet", "zfnet", "vgg")):
        values["classifier"] = NARROW
    return build_encoder(name, values, small=True, generator=generator())


def images(count: int, side: int, channels: int = 1) -> Tensor:
    return torch.rand(count, channels, side, side, generator=generator(1))


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_every_encoder_has_a_published_count() -> None:
    assert set(PUBLISHED_COUNTS) == set(ENCODERS)


@pytest.mark.parametrize("name", ENCODERS)
def test_counts_are_the_published_ones(name: str) -> None:
    values = {"auxiliary": False} if name == "googlenet" else {}
    network = build_encoder(name, values, generator=None)
    assert network.n_classes == (10 if name == "lenet" else 1000)
    assert count(network) == PUBLISHED_COUNTS[name]


@pytest.mark.parametrize("name", ENCODERS)
def test_tables_go_through_json(name: str) -> None:
    for small in (False, True):
        config = make_encoder_config(name, small=small)
        values = json.loads(json.dumps(encoder_config_values(config)))
        assert make_encoder_config(name, values) == config


@pytest.mark.parametrize("name", ENCODERS)
def test_a_small_image_gets_an_embedding_and_a_logit_for_each_class(name: str) -> None:
    network = light(name).eval()
    with torch.no_grad():
        embedding, logits = network.embed(images(2, 28)), network(images(2, 28))
    assert embedding.shape == (2, network.embedding_dim)
    assert logits.shape == (2, 10)
    assert torch.isfinite(logits).all()
    assert torch.allclose(network.head(embedding), logits)


@pytest.mark.parametrize("name", ENCODERS)
def test_every_parameter_gets_a_gradient(name: str) -> None:
    network = light(name).train()
    sum(each.square().sum() for each in network.all_logits(images(2, 28))).backward()
    still = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert still == []


@pytest.mark.parametrize("name", ["lenet", "alexnet", "googlenet", "resnet18"])
def test_weights_come_from_the_generator_alone(name: str) -> None:
    before = torch.get_rng_state()
    one, same = light(name), light(name)
    assert torch.equal(before, torch.get_rng_state())
    other = build_encoder(name, {"in_channels": 1}, small=True, generator=generator(5))
    for (label, ours), theirs in zip(
        one.state_dict().items(), same.state_dict().values(), strict=True
    ):
        assert torch.equal(ours, theirs), label
    first = next(iter(one.parameters()))
    assert not torch.equal(first, next(iter(other.parameters())))


@pytest.mark.parametrize("name", ENCODERS)
def test_any_size_will_do_down_to_one_that_is_named(name: str) -> None:
    shapes = build_encoder(name, generator=None)
    least = shapes.smallest_side
    channels = shapes.in_channels
    for side in (least, least + 9):
        logits = shapes(torch.rand(1, channels, side, side + 3, device="meta"))
        assert logits.shape == (1, shapes.n_classes)
    with pytest.raises(ConfigError, match=f"needs {least} a side") as raised:
        shapes(torch.rand(1, channels, least - 1, least + 9, device="meta"))
    assert raised.value.field == "image"


@pytest.mark.parametrize(("name", "least"), [("lenet", 16), ("alexnet", 63), ("vgg16", 32)])
def test_the_least_size_is_known(name: str, least: int) -> None:
    assert build_encoder(name, generator=None).smallest_side == least


@pytest.mark.parametrize("name", ENCODERS)
def test_the_small_stem_reads_28_pixels(name: str) -> None:
    assert build_encoder(name, small=True, generator=None).smallest_side <= 28


def test_grey_and_colour_are_each_read_where_asked_for() -> None:
    for channels in (1, 3):
        network = light("resnet18", in_channels=channels).eval()
        assert network(images(1, 28, channels)).shape == (1, 10)
        with pytest.raises(ConfigError, match=f"reads \\(batch, {channels}, ") as raised:
            network(images(1, 28, 4 - channels))
        assert raised.value.field == "in_channels"


def test_a_single_image_trains_where_the_maps_are_one_pixel() -> None:
    network = build_encoder("resnet18", {"n_classes": 4}, generator=generator()).train()
    network(images(1, 32, 3)).sum().backward()
    assert torch.isfinite(network.conv1.weight.grad).all()


def test_dropout_draws_from_the_generator_and_only_with_one() -> None:
    network = build_encoder(
        "alexnet",
        {"classifier": [{"layer": "dropout", "rate": 0.5}, *NARROW], "n_classes": 3},
        small=True,
        generator=generator(),
    )
    x = images(2, 28, 3)
    assert torch.equal(network(x), network(x))
    assert torch.equal(network(x, generator(3)), network(x, generator(3)))
    assert not torch.equal(network(x, generator(3)), network(x, generator(4)))


def test_feature_maps_are_named_and_end_where_the_embedding_begins() -> None:
    network = light("lenet")
    found = dict(network.feature_maps(images(1, 28)))
    shapes = {name: tuple(maps.shape[1:]) for name, maps in found.items()}
    assert shapes == {
        "conv1": (6, 28, 28),
        "meanpool1": (6, 14, 14),
        "conv2": (16, 10, 10),
        "meanpool2": (16, 5, 5),
    }
    assert torch.equal(network.embed_maps(found["meanpool2"]), network.embed(images(1, 28)))


def test_receptive_fields_grow_from_layer_to_layer() -> None:
    fields = build_encoder("vgg16", generator=None).receptive_fields()
    assert fields["conv1"].size == 3
    assert fields["maxpool5"].size == 212
    assert fields["maxpool5"].step == 32
    assert build_encoder("alexnet", generator=None).receptive_fields()["conv5"].size == 163
    resnet = build_encoder("resnet18", generator=None).receptive_fields()
    assert (resnet["conv1"].size, resnet["layer4.1"].size) == (7, 435)


def test_every_hyperparameter_of_the_lesson_can_be_set() -> None:
    table = {
        "features": [
            {"layer": "conv", "filters": 4, "size": 5, "stride": 2, "padding": 1},
            {"layer": "pool", "kind": "mean", "size": 3, "stride": 1, "padding": 1},
            {"layer": "conv", "filters": 8, "size": 3, "activation": "tanh"},
        ],
        "grid": 2,
        "classifier": [{"layer": "dense", "width": 20}, {"layer": "dense", "width": 7}],
        "in_channels": 1,
        "n_classes": 3,
    }
    network = build_encoder("lenet", table, generator=generator())
    maps = [tuple(each.shape[1:]) for _, each in network.feature_maps(images(1, 28))]
    assert maps == [(4, 13, 13), (4, 13, 13), (8, 11, 11)]
    assert network.embedding_dim == 7
    weights = 4 * 25 + 4 + 8 * 4 * 9 + 8 + 32 * 20 + 20 + 20 * 7 + 7 + 7 * 3 + 3
    assert count(network) == weights


def test_the_three_phases_of_the_lesson_are_a_table() -> None:
    phases: list[dict[str, object]] = []
    for filters in (32, 64, 128):
        phases += [
            {"layer": "conv", "filters": filters, "size": 3, "padding": 1},
            {"layer": "pool", "kind": "max", "size": 2, "stride": 2},
        ]
    values = {"features": phases, "grid": 3, "classifier": [], "in_channels": 1, "n_classes": 10}
    network = build_encoder("lenet", values, generator=generator())
    shapes = {name: tuple(maps.shape[1:]) for name, maps in network.feature_maps(images(1, 28))}
    assert [shapes[f"maxpool{n}"] for n in (1, 2, 3)] == [(32, 14, 14), (64, 7, 7), (128, 3, 3)]
    assert network.embedding_dim == 128 * 3 * 3


def test_the_blocks_of_resnet_and_googlenet_can_be_set() -> None:
    stages = [{"layer": "stage", "width": 8, "blocks": 1, "size": 5, "stride": 2}]
    stem = {"layer": "conv", "filters": 4, "size": 3, "padding": 1, "normalised": True}
    pool = {"layer": "pool", "kind": "mean", "size": 2, "stride": 2}
    values = {"stages": stages, "stem": stem, "pool": pool, "classifier": NARROW, "n_classes": 2}
    resnet = build_encoder("resnet18", values, generator=generator()).eval()
    assert [name for name, _ in resnet.feature_maps(images(1, 28, 3))] == [
        "conv1",
        "meanpool",
        "layer1.0",
    ]
    assert resnet.embedding_dim == 16
    block = {"layer": "inception", "one": 2, "three": [2, 3], "five": [2, 4], "pooled": 1}
    layers = [stem, pool, {**block, "five_size": 5}, block]
    googlenet = build_encoder(
        "googlenet", {"layers": layers, "n_classes": 2}, generator=generator()
    )
    shapes = {name: tuple(m.shape[1:]) for name, m in googlenet.feature_maps(images(1, 28, 3))}
    assert shapes["inception2a"] == shapes["inception2b"] == (10, 14, 14)


@pytest.mark.parametrize(
    ("name", "values", "field", "message"),
    [
        ("resnet19", {}, "encoder", "Did you mean"),
        ("lenet", {"filters": 3}, "filters", "must be one of"),
        ("lenet", {"features": [{"layer": "conf"}]}, "layer", "Did you mean 'conv'"),
        ("lenet", {"classifier": [{"layer": "dense", "widht": 3}]}, "widht", "'width'"),
        ("lenet", {"classifier": [{"layer": "dense", "width": 0}]}, "width", "at least 1"),
        ("lenet", {"classifier": [{"layer": "dropout", "rate": 1}]}, "rate", "must be in"),
        ("lenet", {"classifier": [{"layer": "dense", "width": "9"}]}, "width", "whole number"),
        ("lenet", {"classifier": {"layer": "dense", "width": 9}}, "classifier", "must be a list"),
        ("lenet", {"features": [{"layer": "conv", "filters": 3}]}, "size", "'conv' lacks size"),
        ("lenet", {"features": NARROW}, "features", "has a line 'dense'"),
        ("resnet18", {"stages": NARROW}, "stages", "what can stand there is: stage"),
        ("resnet18", {"stem": NARROW[0]}, "stem", "what can stand there is: conv"),
        ("googlenet", {"layers": NARROW}, "layers", "conv, pool, inception"),
        ("lenet", {"n_classes": 0}, "n_classes", "at least 1"),
        ("lenet", {"grid": 0}, "grid", "at least 1"),
        ("googlenet", {"transform_input": True, "in_channels": 1}, "transform_input", "3 channels"),
        ("resnet18", {"block": "wide"}, "block", "must be one of"),
    ],
)
def test_what_cannot_be_built_is_named(
    name: str, values: dict[str, object], field: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as raised:
        build_encoder(name, values, generator=None)
    assert raised.value.field == field


def test_a_pool_is_not_padded_by_more_than_half_its_size() -> None:
    pool = {"layer": "pool", "kind": "max", "size": 2, "stride": 2, "padding": 2}
    with pytest.raises(ConfigError, match="half its size"):
        build_encoder("lenet", {"features": [pool]}, generator=None)


def test_a_network_without_classes_only_embeds_until_it_gets_a_head() -> None:
    for name in ("lenet", "resnet18"):
        network = light(name, n_classes=None).eval()
        with pytest.raises(ConfigError, match="without a classifier"):
            network(images(1, 28))
        embedding = network.embed(images(1, 28))
        network.renew_head(5, generator())
        assert network(images(1, 28)).shape == (1, 5)
        assert torch.equal(network.embed(images(1, 28)), embedding)
        network.renew_head(7, generator())
        assert network(images(1, 28)).shape == (1, 7)
        assert network.config.n_classes == 7


def test_a_new_head_of_googlenet_comes_with_auxiliary_ones() -> None:
    network = light("googlenet").eval()
    network.renew_head(4, generator())
    assert [logits.shape for logits in network.all_logits(images(2, 28))] == [(2, 4)] * 3
