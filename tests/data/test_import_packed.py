"""Gzip, zip, folders of them and standard input's file: which file is meant, and bounded memory."""

import gzip
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import Engine

from pipelines.data.importing import ImportOptions, ImportProgress, ImportReport, import_path
from pipelines.data.preview import preview
from pipelines.errors import InvalidInput, NotFound
from pipelines.storage.engine import reading
from pipelines.storage.items import get_item

RATINGS = "1::1193::5::978300760\n1::661::3::978302109\n"
MOVIES = "1193::One Flew Over the Cuckoo's Nest (1975)::Drama\n661::Misérables (1996)::Musical\n"

Import = Callable[..., ImportReport]


@pytest.fixture
def run_import(sqlite_engine: Engine) -> Import:
    def run(path: Path, **options: object) -> ImportReport:
        how = ImportOptions(**options)
        return import_path(sqlite_engine, path, options=how, progress=lambda _: None)

    return run


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "ml-1m.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("ml-1m/README", "once upon a time\n")
        file.writestr("ml-1m/ratings.dat", RATINGS)
        file.writestr("ml-1m/movies.dat", MOVIES.encode("latin-1"))
        file.writestr("ml-1m/users.dat", "1::F::1::10::48067\n")
        file.writestr("__MACOSX/ml-1m/._ratings.dat", b"\0\0")
    return path


def test_gzip_is_read_like_the_plain_file_with_the_items_beside_it(
    run_import: Import, sqlite_engine: Engine, tmp_path: Path
) -> None:
    (tmp_path / "ratings.dat.gz").write_bytes(gzip.compress(RATINGS.encode()))
    (tmp_path / "movies.dat").write_bytes(MOVIES.encode("latin-1"))
    report = run_import(tmp_path / "ratings.dat.gz")
    assert (report.format, report.new, report.items_described) == ("movielens-dat", 2, 2)
    assert run_import(tmp_path).repeated == 2
    with reading(sqlite_engine) as session:
        item = get_item(session, item_id="661")
    assert item is not None
    assert item.title == "Misérables (1996)"


def test_gzip_of_several_parts_is_read_to_its_end(run_import: Import, tmp_path: Path) -> None:
    parts = [gzip.compress(line.encode()) for line in RATINGS.splitlines(keepends=True)]
    (tmp_path / "x").write_bytes(b"".join(parts))
    assert run_import(tmp_path / "x").new == 2


def test_word_ids_are_believed_in_a_gzipped_train_txt(run_import: Import, tmp_path: Path) -> None:
    (tmp_path / "train.txt.gz").write_bytes(gzip.compress(b"anna rock jazz\n"))
    assert run_import(tmp_path / "train.txt.gz").format == "user-lines"


def test_member_of_a_zip_is_chosen_as_in_a_folder(run_import: Import, archive: Path) -> None:
    report = run_import(archive)
    assert report.path == f"{archive}:ml-1m/ratings.dat"
    assert (report.format, report.new, report.items_described) == ("movielens-dat", 2, 2)
    assert run_import(archive, once=True).imported_before_at is not None


def test_member_can_be_named_with_or_without_its_folder(run_import: Import, archive: Path) -> None:
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr("more/ratings.dat", "9::9::5::978300760\n")
    with pytest.raises(InvalidInput, match=r"several files .*more/ratings.dat"):
        run_import(archive)
    assert run_import(archive, member="more/ratings.dat").new == 1
    with pytest.raises(NotFound, match="several members"):
        run_import(archive, member="ratings.dat")
    with pytest.raises(NotFound, match=r"no member 'rating.dat'.*ratings.dat"):
        run_import(archive, member="rating.dat")


def test_member_of_what_is_no_zip_is_refused(run_import: Import, tmp_path: Path) -> None:
    (tmp_path / "x").write_text(RATINGS)
    with pytest.raises(InvalidInput, match="no zip file"):
        run_import(tmp_path / "x", member="y")


def test_zip_without_interactions_says_so(run_import: Import, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as file:
        file.writestr("README", "once upon a time\n")
    with pytest.raises(InvalidInput, match="No file in"):
        run_import(tmp_path / "x.zip")


def test_zip_packed_in_a_way_that_is_unpacked_without_bound_is_refused(
    run_import: Import, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_BZIP2) as file:
        file.writestr("ratings.dat", RATINGS)
    with pytest.raises(InvalidInput, match="Unpack it first"):
        run_import(tmp_path / "x.zip")


@pytest.mark.parametrize("cut", [5, 40, 2_000])
def test_gzip_cut_off_is_a_message(run_import: Import, tmp_path: Path, cut: int) -> None:
    lines = "".join(f"{user}::{user * 7 % 1000}::5::978300760\n" for user in range(2_000))
    (tmp_path / "x.gz").write_bytes(gzip.compress(lines.encode())[:cut])
    with pytest.raises(InvalidInput, match="is damaged"):
        run_import(tmp_path / "x.gz")


def test_damaged_zip_is_a_message(run_import: Import, archive: Path) -> None:
    archive.write_bytes(archive.read_bytes()[:100])
    with pytest.raises(InvalidInput, match="is damaged"):
        run_import(archive)


def test_progress_tells_how_much_was_unpacked(sqlite_engine: Engine, tmp_path: Path) -> None:
    content = gzip.compress(RATINGS.encode())
    (tmp_path / "x").write_bytes(content)
    told: list[ImportProgress] = []
    import_path(sqlite_engine, tmp_path / "x", options=ImportOptions(), progress=told.append)
    assert (told[-1].bytes_done, told[-1].bytes_total) == (len(content), len(content))
    assert told[-1].bytes_unpacked == len(RATINGS)


@pytest.mark.parametrize("kind", ["gzip", "zip"])
def test_bomb_does_not_fill_memory(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "bomb"
    head, block = b"user_id,item_id\na,b\n", b'"' + b"x" * (1 << 20)
    with ExitStack() as stack:
        if kind == "gzip":
            file = stack.enter_context(gzip.open(path, "wb"))
        else:
            archive = stack.enter_context(zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED))
            file = stack.enter_context(archive.open("a.csv", "w"))
        file.write(head)
        for _ in range(400):
            file.write(block)
    code = (
        "import resource, sys; from pathlib import Path;"
        "from pipelines.data.importing import ImportOptions;"
        "from pipelines.data.preview import preview;"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;"
        "shown = preview(Path(sys.argv[1]), options=ImportOptions());"
        "assert len(shown.rows) == 1 and shown.bad_lines, shown;"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, path], check=True, stdout=subprocess.PIPE, text=True
    )
    assert int(done.stdout) / 1024 < 100


def test_preview_shows_format_columns_companions_and_rows(archive: Path) -> None:
    shown = preview(archive, options=ImportOptions())
    assert (shown.format, shown.companions) == ("movielens-dat", ("movies.dat",))
    assert shown.fields == {
        "user": "UserID",
        "item": "MovieID",
        "weight": "Rating",
        "time": "Timestamp",
    }
    assert [(row.user_id, row.item_id) for row in shown.rows] == [("1", "1193"), ("1", "661")]


def test_what_people_call_the_file_is_what_messages_call_it(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("once upon a time\n")
    with pytest.raises(InvalidInput, match="^standard input is not recognised"):
        preview(tmp_path / "x", options=ImportOptions(called="standard input"))
