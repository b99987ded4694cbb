"""`hourglass worker`: carries out queued runs and schedules, beside the web server."""

import os
import signal
import sys

import typer

from pipelines.settings import Settings
from service.cli.console import answering, say
from service.cli.database import open_database

app = typer.Typer(add_completion=False)


@app.command()
def worker() -> None:
    """Carry out queued runs, one at a time, and fire schedules, until Ctrl-C.

    A run that is interrupted, also by a crash, goes on when a worker starts again. Several workers
    are safe: one works, the others stand by.

    Example: hourglass worker
    """
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, _stop)
    try:
        with answering(as_json=False):
            _work()
    except KeyboardInterrupt:
        say("The worker stopped. A run under way goes on when a worker starts again.")
        _leave(0)
    except typer.Exit as failure:
        _leave(failure.exit_code)


def _work() -> None:
    settings = Settings.from_environment()
    with open_database(settings) as engine:
        from pipelines.worker import Worker
        from service.logs import configure_logs

        configure_logs()
        say("The worker waits for runs (Ctrl-C stops it).")
        Worker(settings, engine).run()


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def _leave(code: int) -> None:
    """End at once: waiting for the run in the other thread may take hours, and it need not end."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
