"""Where many images come from: a folder, an IDX file, scikit-learn's digits. Stores nothing.

Each image comes with the item that it is of, and with what its folder or its label says of it.
"""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from PIL import Image

from pipelines.data.checks import id_problem, title_problem
from pipelines.data.formats import recognise
from pipelines.data.formats.base import read_head
from pipelines.data.idx import Idx, is_idx
from pipelines.data.image_source import ImageSource, SourceImage
from pipelines.data.images import MAX_BYTES, check_image, kept, suffix_format
from pipelines.errors import ImageTooLarge, InvalidInput
from pipelines.storage.images import NewImage

DIGITS: Final = "digits"
"""scikit-learn's handwritten digits, a part of UCI's optical digits."""


def find_images(
    path: Path, *, labels: Path | None = None, category: str | None = None
) -> ImageSource | None:
    """The images that the path means, or None where it means something else.

    A folder in which a file of interactions lies means that file. Raises InvalidInput.
    """
    if category is not None and (problem := title_problem(category)) is not None:
        raise InvalidInput(f"The category {problem}.")
    if path.is_dir():
        return _folder_of_images(path, category)
    if not path.is_file():
        return None
    if is_idx(path):
        return Idx(path, labels, category)
    return _Folder(path.parent, [path], str(path), category) if suffix_format(path.suffix) else None


def _folder_of_images(root: Path, category: str | None) -> "_Folder | None":
    if _has_interactions(root):  # asked first: it does not look into the folders below
        return None
    below = (path for path in root.rglob("*") if path.is_file())
    files = sorted(p for p in below if not any(x[0] == "." for x in p.relative_to(root).parts))
    if not any(suffix_format(file.suffix) for file in files):
        return None
    return _Folder(root, files, str(root), category)


def _has_interactions(folder: Path) -> bool:
    files = (path for path in folder.iterdir() if path.is_file() and path.name[0] != ".")
    others = (file for file in files if suffix_format(file.suffix) is None)
    return any(recognise(read_head(file)) is not None for file in others)


class _Folder:
    """Files in a folder and the folders in it; those are categories."""

    format = "images"

    def __init__(self, root: Path, files: list[Path], shown: str, category: str | None) -> None:
        self.shown = shown
        self._root = root
        self._files = files
        self._category = category

    def size(self) -> int:
        return sum(file.stat().st_size for file in self._files)

    def digest(self) -> str:
        digest = hashlib.sha256(repr(self._category).encode())
        for file in self._files:
            with file.open("rb") as stream:
                content = hashlib.file_digest(stream, "sha256").hexdigest()
            digest.update(f"{content} {_printable(file.relative_to(self._root))}\n".encode())
        return digest.hexdigest()

    def images(self) -> Iterator[SourceImage]:
        position = 0
        taken: dict[str, str] = {}
        for file in self._files:
            relative = file.relative_to(self._root)
            item_id = relative.with_suffix("").as_posix()
            position += file.stat().st_size
            categories = (*([self._category] if self._category else []), *relative.parts[:-1])
            read = _reader(file, item_id, taken)
            yield SourceImage(_printable(relative), item_id, categories, read, position)


def _reader(file: Path, item_id: str, taken: dict[str, str]) -> Callable[[], NewImage]:
    """taken: the name of the file that was read for each item."""

    def read() -> NewImage:
        problem = id_problem(item_id)
        if problem is not None:
            raise InvalidInput(f"Its name cannot be an item id: it {problem}. Rename it.")
        if item_id in taken:
            detail = f"{taken[item_id]} is an image of the same item {item_id!r}. Rename it."
            raise InvalidInput(detail)
        if file.stat().st_size > MAX_BYTES:
            raise ImageTooLarge(f"It has more than {MAX_BYTES:,} bytes. Shrink the image.")
        image = check_image(file.read_bytes(), declared=suffix_format(file.suffix))
        taken[item_id] = file.name
        return image

    return read


class Digits:
    """scikit-learn's 1,797 handwritten digits, 8 by 8 pixels, each with its digit as a category."""

    shown = DIGITS
    format = DIGITS

    def size(self) -> int:
        return 1797

    def digest(self) -> str:
        return hashlib.sha256(DIGITS.encode()).hexdigest()

    def images(self) -> Iterator[SourceImage]:
        from sklearn.datasets import load_digits  # here: takes a second, and is rarely needed

        loaded = load_digits()
        for num, (pixels, label) in enumerate(zip(loaded.images, loaded.target, strict=True)):
            picture = Image.fromarray((pixels * 255 / 16).round().astype("uint8"))
            yield SourceImage(
                f"digit {num}",
                f"uci-digit-{num:04}",
                (DIGITS, str(label)),
                lambda picture=picture: kept(picture),  # type: ignore[misc]
                num + 1,
            )


def _printable(path: Path) -> str:
    """A file's name may be of any bytes."""
    return path.as_posix().encode(errors="backslashreplace").decode()
