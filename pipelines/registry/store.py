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

    def write(self, path: str, content: bytes, *, writer: str | None = None) -> None:
        """Write under a temporary name, bring it to disk, then rename.

        Raises ValueError for a path out of the store.

        writer: whose temporary name it is. One who died and writes again overwrites what was left.
        """
        target = self._inside(path)
        temporary = f"{target}.{writer or uuid.uuid4().hex}.partial"
        self._fs.makedirs(target.rpartition("/")[0], exist_ok=True)
        with self._fs.open(temporary, "wb") as file:
            file.write(content)
            _flush_to_disk(file)
        self._fs.mv(temporary, target)

    def read(self, path: str) -> bytes:
        """The file's bytes. Raises FileNotFoundError, ValueError for a path out of the store."""
        content: bytes = self._fs.cat_file(self._inside(path))
        return content

    def names(self, folder: str) -> list[str]:
        """What is in a folder, sorted; nothing where there is no such folder."""
        try:
            paths = self._fs.ls(self._inside(folder), detail=False)
        except FileNotFoundError:
            return []
        return sorted(path.rstrip("/").rpartition("/")[2] for path in paths)

    def remove(self, path: str) -> None:
        """Remove a file, or a folder with all in it, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            self._fs.rm(self._inside(path), recursive=True)

    def _inside(self, path: str) -> str:
        if ".." in path.split("/"):
            raise ValueError(f"{path!r} leads out of the store.")
        return f"{self._root}/{path}"


def _flush_to_disk(file: Any) -> None:
    """fsync, where the store has such a thing: a rename may reach the disk before the bytes do."""
    file.flush()
    with contextlib.suppress(AttributeError, OSError):
        os.fsync(file.fileno())
