"""Published weights load: names and shapes are those of torchvision's own networks.

The tables in `torchvision_names` are transcribed from torchvision's source: every entry of each
network's state, auxiliary heads included, with its shape.
"""

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from models.encoders.base import ImageEncoder
from models.encoders.catalog import ENCODERS, build_encoder
from models.encoders.weights import load_weights
from models.errors import ConfigError

TABLES = {
    path.stem: path for path in sorted((Path(__file__).parent / "torchvision_names").iterdir())
}


def shapes_of(network: ImageEncoder) -> dict[str, list[int]]:
    return {name: list(tensor.shape) for name, tensor in network.state_dict().items()}


def test_all_but_two_encoders_are_in_torchvision() -> None:
    assert set(ENCODERS) - set(TABLES) == {"lenet", "zfnet"}


@pytest.mark.parametrize("name", TABLES)
def test_names_and_shapes_are_torchvisions(name: str) -> None:
    assert shapes_of(build_encoder(name, generator=None)) == json.loads(TABLES[name].read_text())


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def tensors(name: str) -> dict[str, Tensor]:
    """Weights as a file of the network would hold them."""
    table = json.loads(TABLES[name].read_text())
    return {each: torch.rand(shape, generator=generator()) for each, shape in table.items()}


def test_weights_from_elsewhere_take_the_place_of_ours() -> None:
    network, given = build_encoder("resnet18", generator=generator()), tensors("resnet18")
    load_weights(network, given)
    assert torch.equal(
        network.state_dict()["layer4.1.conv2.weight"], given["layer4.1.conv2.weight"]
    )
    assert torch.equal(network.head.bias, given["fc.bias"])


def test_older_files_without_counters_load() -> None:
    given = {n: t for n, t in tensors("resnet18").items() if not n.endswith("batches_tracked")}
    load_weights(build_encoder("resnet18", generator=generator()), given)


def test_a_wrong_shape_names_the_tensor_and_changes_nothing() -> None:
    network = build_encoder("resnet18", {"n_classes": 10}, generator=generator())
    before = network.conv1.weight.clone()
    with pytest.raises(ConfigError, match=r"fc.weight has the shape \(1000, 512\)") as raised:
        load_weights(network, tensors("resnet18"))
    assert raised.value.field == "fc.weight"
    assert "needs (10, 512)" in raised.value.detail
    assert torch.equal(network.conv1.weight, before)


def test_the_file_of_another_network_is_refused_by_name() -> None:
    given = tensors("resnet18")
    with pytest.raises(ConfigError, match=r"layer1.2.conv1.weight, .* more are missing"):
        load_weights(build_encoder("resnet34", generator=generator()), given)
    del given["fc.bias"]
    with pytest.raises(ConfigError, match="fc.bias is missing"):
        load_weights(build_encoder("resnet18", generator=generator()), given)
    given = {**tensors("resnet18"), "fc.scale": torch.ones(1)}
    with pytest.raises(ConfigError, match="fc.scale is unknown"):
        load_weights(build_encoder("resnet18", generator=generator()), given)


def test_a_head_or_auxiliary_heads_may_be_left_in_the_file() -> None:
    network = build_encoder("resnet18", {"n_classes": None}, generator=generator())
    load_weights(network, tensors("resnet18"))
    options = {"auxiliary": False, "transform_input": True}
    load_weights(build_encoder("googlenet", options, generator=generator()), tensors("googlenet"))
    without = {n: t for n, t in tensors("googlenet").items() if not n.startswith("aux")}
    with pytest.raises(ConfigError, match=r"aux1.conv.conv.weight, .* more are missing"):
        load_weights(build_encoder("googlenet", generator=generator()), without)


def test_a_network_without_its_classifier_takes_the_rest_of_the_file() -> None:
    table = json.loads(TABLES["alexnet"].read_text())
    given = {name: torch.ones(1).expand(shape) for name, shape in table.items()}
    options = {"classifier": [], "n_classes": None}
    network = build_encoder("alexnet", options, generator=generator())
    load_weights(network, given)
    assert all((tensor == 1).all() for tensor in network.state_dict().values())


def test_the_input_transform_undoes_the_scale_of_imagenet() -> None:
    network = build_encoder(
        "googlenet", {"transform_input": True, "n_classes": None}, generator=generator()
    )
    scaled = torch.zeros(1, 3, 32, 32)  # the mean of each channel
    read = network.read(scaled)[0, :, 0, 0]
    assert torch.allclose(read, 2 * torch.tensor([0.485, 0.456, 0.406]) - 1)
