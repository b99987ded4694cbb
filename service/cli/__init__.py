"""The command line: `hourglass`. One module a group of commands, imported when it is called."""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

COMMANDS = {
    "import": "service.cli.import_",
    "train": "service.cli.train",
    "recommend": "service.cli.recommend",
    "export": "service.cli.export",
    "serve": "service.cli.serve",
    "worker": "service.cli.worker",
    "runs": "service.cli.runs",
    "artifacts": "service.cli.artifacts",
    "schedules": "service.cli.schedules",
    "watch": "service.cli.watch",
    "detect": "service.cli.detect",
    "detectors": "service.cli.detectors",
    "anomalies": "service.cli.anomalies",
    "suspects": "service.cli.suspects",
    "drift": "service.cli.drift",
    "encoders": "service.cli.encoders",
    "db": "service.cli.db",
}
"""Name of each command or group -> the module that holds it as `app`."""


class LazyGroup(TyperGroup):
    """Imports the module of a command when that command, or the list of all, is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names in the order in which `--help` shows them."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name, or None."""
        if cmd_name not in COMMANDS:
            return None
        command = typer.main.get_command(import_module(COMMANDS[cmd_name]).app)
        command.name = cmd_name
        return command


main = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@main.callback()
def hourglass() -> None:
    """Learns what belongs together from who liked what: recommends, rebuilds, embeds, judges."""
