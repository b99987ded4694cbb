"""`hourglass worker`: queued runs, schedules and imported images, beside the web server."""

import os
import signal
import sys
import time

import typer

from pipelines.settings import Settings
from service.cli.console import answering, say
from service.cli.database import open_database

AGAIN_SECONDS = 2

app = typer.Typer(add_completion=False)


@app.command()
def worker() -> None:
    """Carry out queued runs, one of interactions and one of images at a time, fire schedules and
    embed imported images, until Ctrl-C.

    A run that is interrupted, also by a crash, goes on when a worker starts again. Several workers
    are safe: one works, the others stand by. A PostgreSQL that is away is waited for.

    Example: hourglass worker
    """
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, _stop)
    try:
        with answering(as_json=False):
            _work()
        _begin_anew()
    except KeyboardInterrupt:
        say("The worker stopped. A run under way goes on when a worker starts again.")
        _leave(0)
    except typer.Exit as failure:
        _leave(failure.exit_code)


def _work() -> None:
    """Work until the database goes away; wait for one that is away already."""
    from pipelines.storage.engine import AWAY

    settings = Settings.from_environment()
    try:
        _lead(settings)
    except AWAY as error:
        if settings.database_url.startswith("sqlite"):
            raise
        say(f"The database does not answer: {error.orig}. Check HOURGLASS_DATABASE_URL.")
        say(f"The worker tries again in {AGAIN_SECONDS} seconds.")
        time.sleep(AGAIN_SECONDS)
    else:
        say("The database went away. The worker begins anew; a run under way will go on.")


def _lead(settings: Settings) -> None:
    with open_database(settings) as engine:
        from pipelines.worker import Worker
        from service.logs import configure_logs

        configure_logs()
        say("The worker waits for runs (Ctrl-C stops it).")
        Worker(settings, engine).run()


def _begin_anew() -> None:
    """Become a new worker, of the same process id: only so does the thread of a run end at once.

    Otherwise it might go on beside the worker that took over the lead.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, sys.orig_argv)


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def _leave(code: int) -> None:
    """End at once: waiting for the run in the other thread may take hours, and it need not end."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
