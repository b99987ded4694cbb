"""Files under one fsspec URL: a folder, or a bucket. It knows nothing of what is in them."""

import contextlib
import os
import uuid
from typing import Any

import fsspec


class Store:
    """Whole files by relative path; a reader never sees half of one."""

    def __init__(self, url: str) -> None:
        self._fs, self._root = fsspec.core.url_to_fs(url)

    def write(self, path: str, content: bytes) -> None:
        """Write under a temporary name, bring it to disk, then rename."""
        target = f"{self._root}/{path}"
        temporary = f"{target}.{uuid.uuid4().hex}.partial"
        self._fs.makedirs(target.rpartition("/")[0], exist_ok=True)
        with self._fs.open(temporary, "wb") as file:
            file.write(content)
            _flush_to_disk(file)
        self._fs.mv(temporary, target)

    def read(self, path: str) -> bytes:
        """The file's bytes. Raises FileNotFoundError."""
        content: bytes = self._fs.cat_file(f"{self._root}/{path}")
        return content


def _flush_to_disk(file: Any) -> None:
    """fsync, where the store has such a thing: a rename may reach the disk before the bytes do."""
    file.flush()
    with contextlib.suppress(AttributeError, OSError):
        os.fsync(file.fileno())
