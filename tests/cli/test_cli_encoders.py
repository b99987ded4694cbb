"""`hourglass encoders`: what it lists and shows, which files it takes, and which it refuses."""

import json
import pickle
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from typer.testing import CliRunner

from models.autoencoders.convolutional import ConvolutionalAutoencoder, ConvolutionalConfig
from models.encoders.catalog import ENCODERS
from models.encoders.weights import load_weights
from models.errors import ConfigError
from service.cli import main

TABLES = Path(__file__).parents[1] / "models" / "torchvision_names"


@pytest.fixture
def hourglass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOURGLASS_HOME", str(tmp_path / "home"))

    def run(*arguments: str | Path) -> SimpleNamespace:
        result = CliRunner().invoke(main, ["encoders", *map(str, arguments)])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return SimpleNamespace(code=result.exit_code, out=result.stdout, err=result.stderr)

    return run


def published(name: str = "resnet18") -> dict[str, Tensor]:
    """Weights as torchvision would publish them."""
    table = json.loads((TABLES / f"{name}.json").read_text())
    generator = torch.Generator().manual_seed(0)
    return {each: torch.rand(shape, generator=generator) for each, shape in table.items()}


def kept(home: Path) -> list[str]:
    return sorted(path.name for path in home.rglob("*") if path.is_file())


def test_all_networks_are_listed_with_their_sizes(hourglass) -> None:
    listed = json.loads(hourglass("list", "--json").out)["encoders"]
    assert [each["encoder"] for each in listed] == list(ENCODERS)
    counts = {each["encoder"]: each["parameters"] for each in listed}
    assert (counts["lenet"], counts["googlenet"]) == (61_706, 6_624_904)
    assert "11,689,512" in hourglass("list").out


def test_a_network_is_shown_with_its_table_and_what_its_layers_see(hourglass) -> None:
    shown = json.loads(hourglass("show", "lenet", "--json").out)
    assert shown["layers"][0] == {"layer": "conv1", "sees": 5, "step": 1}
    assert shown["options"]["features"][0]["filters"] == 6
    assert "conv1" in hourglass("show", "lenet").out


def test_published_weights_are_kept_and_an_autoencoder_begins_with_them(
    hourglass, tmp_path: Path
) -> None:
    home, file, tensors = tmp_path / "home", tmp_path / "r.safetensors", published()
    config = ConvolutionalConfig(shape=(3, 16, 16), encoder="resnet18", small=False, latent_dim=4)
    network = ConvolutionalAutoencoder(config, n_items=768, generator=torch.Generator())
    save_file(tensors, file)
    assert json.loads(hourglass("load", "resnet18", file, "--json").out)["tensors"] == 122
    assert kept(home) == ["resnet18.safetensors"]
    weights = load_file(home / "encoders" / "resnet18.safetensors")
    assert weights.keys() == tensors.keys()
    load_weights(network.encoder, weights)
    assert torch.equal(network.encoder.state_dict()["conv1.weight"], tensors["conv1.weight"])
    assert "published weights loaded" in hourglass("list").out
    small = ConvolutionalConfig(shape=(3, 16, 16), encoder="resnet18", latent_dim=4)
    other = ConvolutionalAutoencoder(small, n_items=768, generator=torch.Generator())
    with pytest.raises(ConfigError, match="conv1.weight has the shape"):
        load_weights(other.encoder, weights)


def test_auxiliary_heads_are_left_in_the_file(hourglass, tmp_path: Path) -> None:
    save_file(published("googlenet"), tmp_path / "w.safetensors")
    assert hourglass("load", "googlenet", tmp_path / "w.safetensors").code == 0
    config = ConvolutionalConfig(
        shape=(3, 32, 32),
        encoder="googlenet",
        encoder_options={"auxiliary": False, "transform_input": True},
        small=False,
        latent_dim=2,
    )
    network = ConvolutionalAutoencoder(config, n_items=3 * 32 * 32, generator=torch.Generator())
    weights = load_file(tmp_path / "home" / "encoders" / "googlenet.safetensors")
    load_weights(network.encoder, weights)


def nan(tensors: dict[str, Tensor]) -> None:
    tensors["fc.bias"][3] = torch.nan


def reshaped(tensors: dict[str, Tensor]) -> None:
    tensors["fc.weight"] = torch.ones(10, 512)


@pytest.mark.parametrize(
    ("change", "pointer", "words"),
    [
        (nan, "/file/fc.bias", "no numbers"),
        (reshaped, "/file/fc.weight", "fc.weight has the shape (10, 512)"),
        (lambda t: t.pop("bn1.bias"), "/file/bn1.bias", "bn1.bias is missing"),
        (lambda t: t.update(x=torch.ones(1)), "/file/x", "x is unknown"),
    ],
)
def test_a_file_that_does_not_fit_names_the_tensor_and_leaves_nothing(
    hourglass, tmp_path: Path, change, pointer: str, words: str
) -> None:
    tensors = published()
    change(tensors)
    save_file(tensors, tmp_path / "w.safetensors")
    result = hourglass("load", "resnet18", tmp_path / "w.safetensors", "--json")
    problem = json.loads(result.out)
    assert result.code == 1
    assert problem["errors"][0]["pointer"] == pointer
    assert words in problem["detail"]
    assert kept(tmp_path / "home") == []


def pickled(path: Path) -> None:
    path.write_bytes(pickle.dumps({"a": 1}))


def zipped(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", b"x")


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("write", [pickled, zipped])
def test_a_pickle_is_refused_whatever_its_name(
    hourglass, tmp_path: Path, write, suffix: str
) -> None:
    write(tmp_path / f"w{suffix}")
    result = hourglass("load", "resnet18", tmp_path / f"w{suffix}")
    assert result.code == 1
    assert "is a pickle, and to read one is to run" in result.err
    assert "safetensors.torch.save_file" in result.err
    assert kept(tmp_path / "home") == []


def test_files_that_are_none_and_names_that_are_none_are_messages(
    hourglass, tmp_path: Path
) -> None:
    file = tmp_path / "w.safetensors"
    for content in (b"", b"{}", b"\x10" + bytes(40)):
        file.write_bytes(content)
        result = hourglass("load", "resnet18", file)
        assert (result.code, "no whole safetensors file" in result.err) == (1, True)
    assert (
        f"There is no file {tmp_path / 'x'}." in hourglass("load", "resnet18", tmp_path / "x").err
    )
    result = hourglass("load", "resnet81", file)
    assert (result.code, "Did you mean 'resnet18'" in result.err) == (1, True)
    assert hourglass("load", "resnet18").code == 2
    assert hourglass("show", "resnet81").code == 1
