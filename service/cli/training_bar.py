"""The progress bar of a training: phase, epoch, loss, metric, time left."""

from typing import TYPE_CHECKING, Self

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from service.cli.console import progress_console

if TYPE_CHECKING:
    from pipelines.training import progress as training


class TrainingBar:
    """A bar on standard error; nothing is drawn where that is not a terminal."""

    def __init__(self) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=progress_console,
            disable=not progress_console.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task("starting", total=None, figures="")

    def show(self, progress: "training.Progress") -> None:
        """Draw how far the training is; the time left counts on all epochs, early stops apart."""
        self._bar.update(
            self._task,
            description=progress.phase,
            completed=progress.done,
            total=progress.total,
            figures=_figures(progress),
        )

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()


def _figures(progress: "training.Progress") -> str:
    parts = []
    if progress.epochs:
        parts.append(f"epoch {progress.epoch}/{progress.epochs}")
    if progress.loss is not None:
        parts.append(f"loss {progress.loss:.4f}")
    if progress.metric is not None:
        parts.append(f"NDCG@100 {progress.metric:.4f}")
    return "  ".join(parts)
