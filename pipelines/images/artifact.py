"""An artifact about images, as files and as an object. The way of all artifacts is
`pipelines/registry/artifact.py`: `weights.safetensors` and `manifest.json`, with checksums.
"""

from dataclasses import dataclass

import torch
from safetensors.torch import save as bytes_of

from models.autoencoders.convolutional import ConvolutionalAutoencoder
from models.catalog import build
from pipelines.images.catalogue import Shape
from pipelines.images.labels import Head, Labels, fresh_head
from pipelines.images.training import TrainedOnImages
from pipelines.registry.artifact import WEIGHTS, Packed, pack_files, read_files, read_tensors
from pipelines.registry.store import Store
from pipelines.training.run_config import RunConfig, run_config_of

NETWORK, HEAD = "network.", "head."
"""How the names of the tensors begin."""


@dataclass(frozen=True)
class ImageArtifact:
    """A network of images ready to answer."""

    artifact_id: str
    config: RunConfig
    network: ConvolutionalAutoencoder
    head: Head | None

    @property
    def shape(self) -> Shape:
        """Of the images that it reads."""
        channels, height, width = self.network.config.shape
        return channels, height, width


def pack_images(trained: TrainedOnImages) -> Packed:
    """The files of a trained network and its head."""
    tensors = {f"{NETWORK}{name}": t for name, t in trained.network.state_dict().items()}
    labels = None
    if trained.head is not None:
        tensors |= {f"{HEAD}{name}": t for name, t in trained.head.module.state_dict().items()}
        labels = {"names": list(trained.head.labels.names), "output": trained.head.labels.output}
    contiguous = {name: tensor.contiguous() for name, tensor in tensors.items()}
    about = {"kind": trained.run.kind, "run": trained.run.values(), "labels": labels}
    files = {WEIGHTS: bytes_of(contiguous)}
    return pack_files(trained.run.name, files, {**about, **trained.facts})


def read_image_artifact(store: Store, artifact_id: str) -> ImageArtifact:
    """Read an artifact back. Raises DamagedArtifact unless every checksum holds."""
    manifest, files = read_files(store, artifact_id)
    tensors = read_tensors(artifact_id, files[WEIGHTS])
    config = run_config_of(manifest["run"])
    channels, height, width = config.network["shape"]
    generator = torch.Generator().manual_seed(config.seed)
    network = build(
        config.kind, config.network, n_items=channels * height * width, generator=generator
    )
    assert isinstance(network, ConvolutionalAutoencoder)
    network.load_state_dict(_under(NETWORK, tensors))
    head = None
    if manifest["labels"] is not None:
        labels = Labels(tuple(manifest["labels"]["names"]), manifest["labels"]["output"])
        head = fresh_head(labels, network.config.latent_dim, generator)
        head.module.load_state_dict(_under(HEAD, tensors))
        head.module.eval().requires_grad_(False)
    network.eval().requires_grad_(False)
    return ImageArtifact(artifact_id, config, network, head)


def _under(start: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {n.removeprefix(start): t for n, t in tensors.items() if n.startswith(start)}
