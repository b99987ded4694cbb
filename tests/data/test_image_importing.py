"""Images from folders and IDX files: with their categories, and the bad ones named."""

import gzip
import struct
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from pipelines.data.image_importing import ImageReport, import_images, preview_images
from pipelines.data.image_sources import Digits, find_images
from pipelines.data.images import check_image
from pipelines.errors import InvalidInput
from pipelines.storage.engine import reading, writing
from pipelines.storage.images import describe_images
from pipelines.storage.items import list_items, update_item
from tests.pictures import png, write_folder

Categories = dict[str, list[str]]


def load(engine: Engine, path: Path, **options: object) -> ImageReport:
    how = {name: options.pop(name) for name in ("strict", "once") if name in options}
    source = find_images(path, **options)
    assert source is not None
    return import_images(engine, source, progress=lambda _: None, **how)


def stored(engine: Engine) -> Categories:
    with reading(engine) as session:
        return {image.item_id: image.categories for image in describe_images(session)}


def idx(path: Path, numbers: bytes, *dimensions: int) -> Path:
    head = b"\0\0\x08" + bytes([len(dimensions)]) + struct.pack(f">{len(dimensions)}I", *dimensions)
    content = head + numbers
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def test_folders_are_categories_and_paths_are_items(engine: Engine, tmp_path: Path) -> None:
    write_folder(tmp_path / "shapes", n=2)
    (tmp_path / "shapes" / "plain.png").write_bytes(png())
    report = load(engine, tmp_path / "shapes", category="mine")
    assert (report.new, report.bad) == (5, 0)
    assert stored(engine) == {
        "bar/000": ["mine", "bar"],
        "bar/001": ["mine", "bar"],
        "circle/000": ["mine", "circle"],
        "circle/001": ["mine", "circle"],
        "plain": ["mine"],
    }
    again = load(engine, tmp_path / "shapes", category="mine")
    assert (again.new, again.repeated, again.replaced) == (0, 5, 0)


def test_what_was_edited_since_stays_until_the_image_is_another(
    engine: Engine, tmp_path: Path
) -> None:
    write_folder(tmp_path / "shapes", n=1)
    load(engine, tmp_path / "shapes")
    edited = datetime(2030, 1, 1, tzinfo=UTC)
    with writing(engine) as session:
        changes = {"categories": ["mine"]}
        update_item(session, item_id="bar/000", changes=changes, now=edited)
        update_item(session, item_id="circle/000", changes=changes, now=edited)
    (tmp_path / "shapes" / "circle" / "000.png").write_bytes(png())
    assert load(engine, tmp_path / "shapes").replaced == 1
    assert stored(engine) == {"bar/000": ["mine"], "circle/000": ["circle"]}
    with reading(engine) as session:
        same, other = list_items(session, limit=2, after=None)
    assert same.updated_at == edited
    assert other.updated_at != edited


def test_bad_files_are_named_and_the_rest_goes_on(sqlite_engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "good.png").write_bytes(png())
    (folder / "good.jpg").write_bytes(png())
    (folder / "same.PNG").write_bytes(png())
    (folder / "same.png").write_bytes(png())
    (folder / "cut.png").write_bytes(png()[:-10])
    (folder / "empty.png").touch()
    (folder / "notes.txt").write_text("hello")
    (folder / "wrong.webp").write_bytes(png())
    (folder / ".hidden").write_text("hello")
    report = load(sqlite_engine, folder)
    assert (report.new, report.bad) == (2, 6)
    reasons = {bad.name: bad.reason for bad in report.bad_images}
    assert set(reasons) == {
        "good.jpg",
        "same.png",
        "cut.png",
        "empty.png",
        "notes.txt",
        "wrong.webp",
    }
    assert "same.PNG" in reasons["same.png"]
    assert "cut off" in reasons["cut.png"]
    assert "declared as WEBP" in reasons["wrong.webp"]
    with pytest.raises(InvalidInput, match="Nothing was stored"):
        load(sqlite_engine, folder, strict=True)


def test_a_folder_without_one_good_image_is_refused(sqlite_engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "cut.png").write_bytes(png()[:-10])
    with pytest.raises(InvalidInput, match=r"cut\.png"):
        load(sqlite_engine, tmp_path)
    assert stored(sqlite_engine) == {}


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_an_idx_file_finds_its_labels_beside_it(
    sqlite_engine: Engine, tmp_path: Path, ending: str
) -> None:
    path = idx(tmp_path / f"train-images-idx3-ubyte{ending}", bytes(range(24)), 2, 3, 4)
    idx(tmp_path / f"train-labels-idx1-ubyte{ending}", bytes([7, 1]), 2)
    report = load(sqlite_engine, path, category="fashion")
    assert (report.new, report.format) == (2, "idx")
    assert stored(sqlite_engine) == {
        "fashion-train-0": ["fashion", "7"],
        "fashion-train-1": ["fashion", "1"],
    }
    assert load(sqlite_engine, path, category="fashion", once=True).imported_before_at


def test_labels_of_another_number_are_refused(sqlite_engine: Engine, tmp_path: Path) -> None:
    path = idx(tmp_path / "images", bytes(24), 2, 3, 4)
    labels = idx(tmp_path / "labels", bytes(3), 3)
    with pytest.raises(InvalidInput, match="3 labels.*2 images"):
        load(sqlite_engine, path, labels=labels)
    with pytest.raises(InvalidInput, match="no IDX file of bytes with 1 dimensions"):
        load(sqlite_engine, path, labels=path)


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_an_idx_file_that_breaks_off_keeps_what_is_whole(
    sqlite_engine: Engine, tmp_path: Path, ending: str
) -> None:
    path = idx(tmp_path / f"images{ending}", bytes(30), 3, 3, 4)
    if ending:
        path.write_bytes(path.read_bytes()[:-9])
    report = load(sqlite_engine, path)
    assert report.bad == 1
    assert report.new in (1, 2, 3)


def test_a_folder_with_interactions_means_those(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    assert find_images(tmp_path) is not None
    (tmp_path / "plays.csv").write_text("user_id,item_id\nu,i\n")
    assert find_images(tmp_path) is None
    assert find_images(tmp_path / "plays.csv") is None
    assert find_images(tmp_path / "nowhere") is None
    assert find_images(tmp_path / "a.png") is not None


def test_the_digits_are_there_whole_and_a_preview_stores_nothing(sqlite_engine: Engine) -> None:
    shown = preview_images(Digits())
    assert (shown.n_images, shown.bad) == (1797, 0)
    assert shown.first[0] == ("uci-digit-0000", ("digits", "0"))
    first = next(Digits().images())
    image = first.read()
    assert (image.width, image.height, image.channels) == (8, 8, 1)
    assert check_image(image.content).digest == image.digest
    assert stored(sqlite_engine) == {}
