"""The progress bar of an import: bytes, rows a second, time left; and where it may stop."""

import signal
import time
from typing import TYPE_CHECKING, Self

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from service.cli.console import progress_console

if TYPE_CHECKING:
    from pipelines.data.importing import ImportProgress


class ImportBar:
    """A bar on standard error; nothing is drawn where that is not a terminal.

    The first Ctrl-C waits until `show` is called, where it is known what is stored; the second
    one does not wait.
    """

    def __init__(self, noun: str = "rows") -> None:
        self.rows = 0
        self._stop_asked = False
        self._started = time.monotonic()
        self._bar = Progress(
            TextColumn("importing"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn(f"{{task.fields[rows]:,}} {noun}, {{task.fields[speed]:,.0f}} {noun}/s"),
            TextColumn("{task.fields[megabytes]:,.0f} MB read"),
            TimeRemainingColumn(),
            console=progress_console,
            disable=not progress_console.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task("import", total=None, rows=0, speed=0.0, megabytes=0.0)

    def show(self, progress: "ImportProgress") -> None:
        """Draw how far the import is. Raises KeyboardInterrupt after a Ctrl-C."""
        self.rows = progress.rows
        seconds = max(time.monotonic() - self._started, 1e-3)
        self._bar.update(
            self._task,
            completed=progress.bytes_done,
            total=progress.bytes_total,
            rows=progress.rows,
            speed=progress.rows / seconds,
            megabytes=progress.bytes_unpacked / 1e6,
        )
        if self._stop_asked:
            raise KeyboardInterrupt

    def __enter__(self) -> Self:
        self._bar.start()
        self._handler = signal.signal(signal.SIGINT, self._ask_to_stop)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._handler)
        self._bar.stop()

    def _ask_to_stop(self, *_: object) -> None:
        self._stop_asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
