"""The files of a detector in the store: tensors, values, and a manifest with their checksums.

Not the rows it was fitted to: those go. Which detectors there are is in SQL.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from safetensors import SafetensorError
from safetensors.torch import load as tensors_from
from safetensors.torch import save as bytes_of

from models.detectors import kinds
from models.detectors.told import Detector
from models.errors import RowsError
from pipelines.errors import DamagedArtifact
from pipelines.registry.store import Store
from pipelines.watch.references import References, references_from, references_json
from pipelines.watch.settings import DETECTORS

TENSORS, VALUES, MANIFEST = "tensors.safetensors", "values.json", "manifest.json"
REFERENCES: Final = "references.json"
"""What the rows were like, for telling drift. Detectors of before that was kept have none."""
FORMAT: Final = 1


@dataclass(frozen=True)
class PackedDetector:
    """A detector as files: name -> bytes, the manifest among them."""

    manifest: dict[str, Any]
    files: dict[str, bytes]


def pack_detector(
    detector: Detector, references: References, about: Mapping[str, Any]
) -> PackedDetector:
    """The files of a detector; `about` is what the manifest says besides their checksums."""
    tensors, values = kinds.pack_detector(detector)
    # Not sorted: members are summed in the order in which they stand here.
    files = {
        TENSORS: bytes_of(tensors),
        VALUES: json.dumps(values, ensure_ascii=False).encode(),
        REFERENCES: references_json(references),
    }
    checksums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    manifest = {"format": FORMAT, **about, "sha256": checksums}
    content = json.dumps(manifest, indent=2, ensure_ascii=False).encode()
    return PackedDetector(manifest, {**files, MANIFEST: content})


def folder_of(detector_id: str) -> str:
    """Where its files are, in the store."""
    return f"{DETECTORS}/{detector_id}"


def write_files(store: Store, folder: str, packed: PackedDetector, *, writer: str) -> None:
    """Write the files, the manifest last. writer: see `Store.write`."""
    for name, content in packed.files.items():
        store.write(f"{folder}/{name}", content, writer=writer)


def read_files(store: Store, folder: str) -> PackedDetector:
    """The files as they were written. Raises FileNotFoundError."""
    manifest = json.loads(store.read(f"{folder}/{MANIFEST}"))
    names = (*manifest["sha256"], MANIFEST)
    return PackedDetector(manifest, {name: store.read(f"{folder}/{name}") for name in names})


def read_detector(
    store: Store, detector_id: str, manifest: Mapping[str, Any]
) -> tuple[Detector, References | None]:
    """The detector, and what its rows were like, by the manifest that SQL has. Raises
    DamagedArtifact unless all checksums hold.
    """
    try:
        files = {
            name: _checked(store, detector_id, name, sha256)
            for name, sha256 in manifest["sha256"].items()
        }
        references = references_from(files[REFERENCES]) if REFERENCES in files else None
        detector = kinds.unpack_detector(tensors_from(files[TENSORS]), json.loads(files[VALUES]))
        return detector, references
    except (SafetensorError, RowsError) as error:
        raise _damaged(detector_id, str(error)) from error


def _checked(store: Store, detector_id: str, name: str, sha256: str) -> bytes:
    try:
        content = store.read(f"{folder_of(detector_id)}/{name}")
    except FileNotFoundError:
        raise _damaged(detector_id, f"{name} is missing") from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise _damaged(detector_id, f"{name} differs from its checksum")
    return content


def _damaged(detector_id: str, why: str) -> DamagedArtifact:
    detail = f"Detector {detector_id} is damaged: {why}. Delete it, and fit it again."
    return DamagedArtifact(detail)
