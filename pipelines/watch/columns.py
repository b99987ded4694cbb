"""Which columns of a table are looked at: those that a caller names, and those left out."""

from collections.abc import Collection, Sequence

from models.errors import choice_error
from pipelines.errors import InvalidInput
from pipelines.watch.plans import LeftOut
from pipelines.watch.row_table import RowTable
from pipelines.watch.settings import DetectorSettings, refusals


def check_named(table: RowTable, **options: Collection[str]) -> None:
    """Raise InvalidInput where none of the rows can be read, or an option names a column that the
    table does not have.
    """
    if not len(table) and table.problems:
        first = table.problems[0]
        n = len({each.row for each in table.problems})
        raise InvalidInput(f"None of the {n} rows can be read. Row {first.row}: {first.detail}")
    with refusals():
        for option, names in options.items():
            for name in names:
                if name not in table.columns:
                    raise choice_error(option, name, table.columns)


def ignored(table: RowTable, settings: DetectorSettings) -> list[LeftOut]:
    """The columns that the caller leaves out. Raises InvalidInput for one that is not there."""
    check_named(table, ignore=settings.ignore)
    return [LeftOut(name, "It is to be ignored.") for name in settings.ignore]


def without(table: RowTable, left_out: Sequence[LeftOut]) -> RowTable:
    """The table with the other columns. Raises InvalidInput where none is left."""
    gone = [each.column for each in left_out]
    used = table.only([name for name in table.columns if name not in gone])
    if not used.columns:
        told = "; ".join(f"{each.column}: {each.detail}" for each in left_out)
        raise InvalidInput(f"No column is left: {told}")
    return used
