"""Import into a database: idempotent, in chunks, strict or not, once or again."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

from pipelines.data import importing
from pipelines.data.formats import user_lines
from pipelines.data.formats.base import Columns
from pipelines.data.import_source import SONG_TABLE
from pipelines.data.importing import ImportOptions, ImportProgress, ImportReport, import_path
from pipelines.errors import InvalidInput, NotFound
from pipelines.storage.engine import reading
from pipelines.storage.interactions import count_interactions, history_of
from pipelines.storage.items import get_item

DEFAULT = ImportOptions()
RATINGS = "userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n2,31,4,1260759145\n"

Import = Callable[..., ImportReport]


@pytest.fixture
def run_import(engine: Engine) -> Import:
    def run(path: Path, options: ImportOptions = DEFAULT) -> ImportReport:
        return import_path(engine, path, options=options, progress=lambda _: None)

    return run


@pytest.fixture
def movielens(tmp_path: Path) -> Path:
    folder = tmp_path / "ml"
    folder.mkdir()
    (folder / "ratings.csv").write_text(RATINGS)
    (folder / "movies.csv").write_text("movieId,title,genres\n31,Dangerous Minds,Drama\n")
    (folder / "tags.csv").write_text("userId,movieId,tag,timestamp\n1,31,good,1260759144\n")
    return folder


def stored(engine: Engine) -> int:
    with reading(engine) as session:
        return count_interactions(session)


def outcome(report: ImportReport) -> tuple[int, int, int, int]:
    return report.new, report.repeated, report.replaced, report.bad


def test_song_table_is_the_lesson_s(run_import: Import, engine: Engine) -> None:
    assert outcome(run_import(SONG_TABLE)) == (8, 0, 0, 0)
    with reading(engine) as session:
        first = history_of(session, user_id="client-1", actions=None, above=0.0)
        fourth = history_of(session, user_id="client-4", actions=None, above=0.0)
        song = get_item(session, item_id="song-5")
    assert (first, fourth) == (["song-3", "song-4"], ["song-4"])
    assert song is not None
    assert song.title == "Song 5"


def test_folder_is_imported_with_the_items_described_in_it(
    run_import: Import, engine: Engine, movielens: Path
) -> None:
    report = run_import(movielens)
    assert (report.format, report.lines, report.items_described) == ("movielens-csv", 2, 1)
    with reading(engine) as session:
        item = get_item(session, item_id="31")
    assert item is not None
    assert (item.title, item.categories, item.tags) == ("Dangerous Minds", ["Drama"], ["good"])


def test_same_file_twice_changes_nothing(run_import: Import, movielens: Path) -> None:
    assert outcome(run_import(movielens)) == (2, 0, 0, 0)
    assert outcome(run_import(movielens)) == (0, 2, 0, 0)


def test_changed_rating_replaces_the_old_one(run_import: Import, movielens: Path) -> None:
    run_import(movielens)
    (movielens / "ratings.csv").write_text(RATINGS.replace("2.5", "5.0"))
    assert outcome(run_import(movielens)) == (0, 1, 1, 0)


def test_bad_lines_are_left_out_and_the_first_twenty_reported(
    run_import: Import, tmp_path: Path
) -> None:
    path = tmp_path / "plays.csv"
    path.write_text("user,item\n" + "a\n" * 25 + "a,b\n")
    report = run_import(path)
    assert outcome(report) == (1, 0, 0, 25)
    assert [line.line for line in report.bad_lines] == list(range(2, 22))
    assert report.lines == 26


def test_bad_line_in_the_file_of_titles_is_reported(run_import: Import, movielens: Path) -> None:
    (movielens / "movies.csv").write_text("movieId,title,genres\n31\n32,B,C\n")
    report = run_import(movielens)
    assert [(line.file, line.line) for line in report.bad_lines] == [("movies.csv", 2)]
    assert (report.bad, report.items_described) == (1, 2)  # movie 31 by its tag alone


def test_strict_import_of_a_damaged_file_stores_nothing(
    run_import: Import, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.data.formats.base.CHUNK_ROWS", 2)
    path = tmp_path / "train.txt"
    path.write_bytes(b"1 2 3\n4 5 6\n7 \xff\n")
    with pytest.raises(InvalidInput, match=r"train.txt, line 3: not UTF-8") as caught:
        run_import(path, ImportOptions(strict=True))
    assert [error.pointer for error in caught.value.errors] == ["/train.txt/3"]
    assert stored(engine) == 0


def test_strict_import_of_a_sound_file_stores_all(run_import: Import, movielens: Path) -> None:
    assert outcome(run_import(movielens, ImportOptions(strict=True))) == (2, 0, 0, 0)


def test_strict_minds_a_bad_line_in_the_file_of_titles(
    run_import: Import, engine: Engine, movielens: Path
) -> None:
    (movielens / "movies.csv").write_text("movieId,title,genres\n31\n")
    with pytest.raises(InvalidInput, match=r"movies.csv, line 2"):
        run_import(movielens, ImportOptions(strict=True))
    assert stored(engine) == 0


@pytest.mark.parametrize("strict", [False, True])
def test_interrupted_import_leaves_whole_chunks_and_is_completed_by_running_it_again(
    run_import: Import,
    engine: Engine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    strict: bool,
) -> None:
    monkeypatch.setattr("pipelines.data.formats.base.CHUNK_ROWS", 2)
    path = tmp_path / "train.txt"
    path.write_text("1 2 3\n4 5 6\n7 8 9\n")
    told: list[ImportProgress] = []

    def interrupt(progress: ImportProgress) -> None:
        told.append(progress)
        if progress.rows >= 4:
            raise KeyboardInterrupt

    options = ImportOptions(strict=strict, once=True)
    with pytest.raises(KeyboardInterrupt):
        import_path(engine, path, options=options, progress=interrupt)
    assert stored(engine) == (0 if strict else told[-1].rows)
    assert run_import(path, options).imported_before_at is None
    assert stored(engine) == 6


def test_once_skips_what_was_imported_completely(run_import: Import, movielens: Path) -> None:
    once = ImportOptions(once=True)
    assert run_import(movielens).imported_before_at is None
    assert run_import(movielens, once).imported_before_at is not None
    assert outcome(run_import(movielens, once)) == (0, 0, 0, 0)


def test_once_does_not_skip_other_content_titles_or_options(
    run_import: Import, movielens: Path
) -> None:
    run_import(movielens)
    (movielens / "movies.csv").write_text("movieId,title,genres\n31,Another Title,Drama\n")
    assert run_import(movielens, ImportOptions(once=True)).imported_before_at is None
    assert run_import(movielens, ImportOptions(once=True, action="view")).new == 2


def test_progress_goes_from_nothing_to_the_whole_file(engine: Engine, movielens: Path) -> None:
    told: list[ImportProgress] = []
    import_path(engine, movielens, options=DEFAULT, progress=told.append)
    assert (told[0].bytes_done, told[0].rows) == (0, 0)
    assert (told[-1].bytes_done, told[-1].rows) == (len(RATINGS), 2)
    assert {progress.bytes_total for progress in told} == {len(RATINGS)}


def test_file_is_never_held_whole(
    run_import: Import, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.data.formats.base.CHUNK_ROWS", 3)
    sizes: list[int] = []
    real = importing.store_interactions

    def measured(session, *, rows, now):
        sizes.append(len(rows))
        return real(session, rows=rows, now=now)

    monkeypatch.setattr(importing, "store_interactions", measured)
    path = tmp_path / "train.txt"
    path.write_text("".join(f"{user} 1 2\n" for user in range(10)))
    assert run_import(path).new == 20
    assert max(sizes) <= 3


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"\x89PNG\0\0", "not UTF-8 text"),
        (b"once upon a time\n", "not recognised"),
        (b"one,two\n1,2\n", "--user-column"),
        (b"user_id,item_id\n", "no rows"),
        (b"user_id,item_id\n,a\n", "none of its 1 lines"),
    ],
)
def test_unusable_file_says_what_is_wrong(
    run_import: Import, tmp_path: Path, content: bytes, problem: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=problem):
        run_import(path)


def test_unrecognised_file_is_told_every_format(run_import: Import, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("once upon a time\n")
    with pytest.raises(InvalidInput) as caught:
        run_import(tmp_path / "file")
    for name in ("ratings.csv", "u.data", "user_artists.dat", "train.txt", "CSV"):
        assert name in caught.value.detail


def test_nul_in_one_line_is_one_bad_line(run_import: Import, tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text("user,item\na,b\na,\0\n")
    assert outcome(run_import(path)) == (1, 0, 0, 1)


def test_missing_file_is_not_found(run_import: Import, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        run_import(tmp_path / "nowhere")


def test_wrong_action_is_named(run_import: Import, movielens: Path) -> None:
    with pytest.raises(InvalidInput, match="65 characters") as caught:
        run_import(movielens, ImportOptions(action="x" * 65))
    assert caught.value.errors[0].pointer == "/action"


def test_folder_without_interactions_or_with_several_says_so(
    run_import: Import, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "README").write_text("once upon a time\n")
    with pytest.raises(InvalidInput, match="No file in"):
        run_import(folder)
    for name in ("a.csv", "b.csv"):
        (folder / name).write_text("user,item\na,b\n")
    with pytest.raises(InvalidInput, match=r"a.csv \(csv\), b.csv \(csv\)"):
        run_import(folder)


def test_named_columns_find_their_file_in_a_folder(run_import: Import, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.csv").write_text("listener,track\na,b\n")
    (folder / "b.csv").write_text("listener,age\na,31\n")
    report = run_import(folder, ImportOptions(columns=Columns(user="listener", item="track")))
    assert Path(report.path).name == "a.csv"


@pytest.mark.parametrize(
    ("name", "rows", "items"),
    [
        ("ml-latest-small", 100_004, 9_125),
        ("ml-100k", 100_000, 1_682),
        ("lastfm-2k", 92_834, 17_632),
    ],
)
def test_real_sets_are_imported_without_a_bad_line(
    run_import: Import, shared_data: Path, name: str, rows: int, items: int
) -> None:
    report = run_import(shared_data / name)
    assert outcome(report) == (rows, 0, 0, 0)
    assert report.items_described == items


def test_format_of_user_lines_reads_any_chunk_size(
    run_import: Import, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.data.formats.base.CHUNK_ROWS", 1)
    (tmp_path / "data").write_text("1 2 3\n\n4 5\n")
    assert run_import(tmp_path / "data").format == user_lines.USER_LINES.name
