"""The progress bar of an export: rows, and the time left where their number is known."""

from typing import Self

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from service.cli.console import progress_console


class ExportBar:
    """A bar on standard error; nothing is drawn where that is not a terminal."""

    def __init__(self, expected_rows: int | None) -> None:
        self._bar = Progress(
            TextColumn("exporting"),
            BarColumn(),
            TextColumn("{task.completed:,.0f} rows"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=progress_console,
            disable=not progress_console.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task("export", total=expected_rows)

    def show(self, n_rows: int) -> None:
        """Draw how many rows are written."""
        self._bar.update(self._task, completed=n_rows)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
