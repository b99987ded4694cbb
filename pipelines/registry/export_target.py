"""Where an export goes, its manifest, and the pointer to the newest one. Not what is in it.

A file appears under its name only when it is whole, then its manifest, then the pointer: whatever
ends an export early, `latest.json` names a whole file, the former one if need be.
"""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from pipelines.errors import FieldError, InvalidInput

LATEST = "latest.json"
DEFAULT_ENDING = ".parquet"

OnRows = Callable[[int], None]
"""Told the number of rows written so far."""


@dataclass(frozen=True)
class Target:
    """The file to write; `pointer` is where the newest export of the folder is named, if at all."""

    path: Path
    pointer: Path | None


@dataclass(frozen=True)
class Manifest:
    """What was exported; it lies beside the file as `NAME.manifest.json`."""

    path: str
    rows: int
    artifact_id: str | None
    """None where no artifact has a part in it."""
    sha256: str
    format: str
    created_at: str


def target_of(to: Path, *, name: str, endings: tuple[str, ...]) -> Target:
    """`to` itself, or in a folder a file named by the time; a name without an ending is a folder.

    Raises InvalidInput for an ending that is not among `endings`.
    """
    if to.is_dir() or not to.suffix:
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        return Target(to / f"{name}-{moment}{DEFAULT_ENDING}", to / LATEST)
    if to.suffix not in endings:
        detail = f"{to.name!r} should end in one of: {', '.join(endings)}; or name a folder."
        raise InvalidInput(detail, errors=[FieldError("/to", detail)])
    return Target(to, None)


def write_export(
    target: Target, write: Callable[[BinaryIO], int], *, artifact_id: str | None
) -> Manifest:
    """Let `write` fill the file, which answers with the number of rows; then say so beside it."""
    path = target.path
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _beside(path)
    try:
        with temporary.open("w+b") as file:
            rows = write(file)
            _to_disk(file)
            file.seek(0)
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        manifest = Manifest(
            path=str(path),
            rows=rows,
            artifact_id=artifact_id,
            sha256=sha256,
            format=path.suffix.removeprefix("."),
            created_at=datetime.now(UTC).isoformat(),
        )
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    beside = path.with_name(f"{path.name}.manifest.json")
    _write_json(beside, {**asdict(manifest), "path": path.name})
    if target.pointer is not None:
        _write_json(target.pointer, {"file": path.name, "manifest": beside.name})
    return manifest


def _write_json(path: Path, document: dict[str, Any]) -> None:
    temporary = _beside(path)
    with temporary.open("wb") as file:
        file.write(json.dumps(document, indent=2).encode() + b"\n")
        _to_disk(file)
    temporary.replace(path)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.partial")


def _to_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
