"""Standard input as a file: formats look at beginnings, and some at ends, before they read."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = "standard input"


@contextmanager
def standard_input_as_file(folder: Path) -> Iterator[Path]:
    """All of standard input in a file in the folder, on disk and gone at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".import-", dir=folder) as temporary:
        path = Path(temporary) / "stdin"
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file, 1 << 20)
        yield path
