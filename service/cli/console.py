"""What every command shares: where it writes, how it fails. No command is here.

Results go to standard output, everything else to standard error. With `--json` one JSON document
is all that standard output gets, also when the command fails. Exit codes: 0 done, 1 failed,
2 misuse (typer's own, with the usage on standard error).
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console

from pipelines.errors import HourglassError, InvalidInput, NotReady

FAILED = 1


class Stopped(HourglassError):
    """Somebody ended the command before it was done; the detail says what is done."""

    slug = "stopped"
    title = "Stopped"


JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on standard output, nothing else.")
]

progress_console = Console(stderr=True)
"""For progress bars; `say` is for sentences."""


def command_app(*, group: str | None = None) -> typer.Typer:
    """What a module of commands calls `app`; `group` is the help text where it holds several."""
    app = typer.Typer(help=group, no_args_is_help=group is not None, add_completion=False)
    if group is not None:
        app.callback()(_nothing)  # without one, typer makes a group of one command that command
    return app


def _nothing() -> None:
    pass


def say(text: str) -> None:
    """A sentence for people, on standard error."""
    typer.echo(text, err=True)


def print_json(document: Mapping[str, Any]) -> None:
    """The one document of a command that was asked for `--json`."""
    typer.echo(json.dumps(document, default=_plain, allow_nan=False))


@contextmanager
def answering(*, as_json: bool) -> Iterator[None]:
    """Turn the errors a person can act on into a message and exit code 1; others are ours."""
    try:
        yield
    except HourglassError as error:
        problem = error
    except BrokenPipeError:
        # Whoever read the output has had enough, as `head` does. What is still to be flushed when
        # Python ends must go somewhere, or it complains once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(FAILED) from None
    except OSError as error:
        problem = HourglassError(_os_message(error))
    except Exception as error:
        database_problem = _database_problem(error)
        if database_problem is None:
            raise
        problem = database_problem
    else:
        return
    _tell_problem(problem, as_json=as_json)
    raise typer.Exit(FAILED)


@contextmanager
def stopping(detail: str) -> Iterator[None]:
    """Turn a Ctrl-C into a Stopped, which `answering` tells; detail: what is done by then."""
    try:
        yield
    except KeyboardInterrupt:
        raise Stopped(detail) from None


def _tell_problem(problem: HourglassError, *, as_json: bool) -> None:
    """Say what went wrong: the shape of RFC 9457 on standard output, or sentences."""
    if as_json:
        document = {
            "type": problem.slug,
            "title": problem.title,
            "detail": problem.detail,
            "errors": [asdict(error) for error in problem.errors],
        }
        print_json(document)
        return
    say(f"{problem.title}: {problem.detail}")
    for error in problem.errors:
        if error.detail != problem.detail:
            say(f"  {error.pointer}: {error.detail}")


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _os_message(error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"{error.filename}: {reason}." if error.filename else f"{reason}."


def _database_problem(error: Exception) -> HourglassError | None:
    from sqlalchemy.exc import ArgumentError, DBAPIError  # here: slow to import, rarely needed

    if isinstance(error, ArgumentError):
        return InvalidInput(f"HOURGLASS_DATABASE_URL names no usable database: {error}.")
    if not isinstance(error, DBAPIError):
        return None
    return NotReady(
        f"The database does not answer as it should: {error.orig}. "
        "Check HOURGLASS_DATABASE_URL and that the database runs and has room."
    )
