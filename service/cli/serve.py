"""`hourglass serve`: the web server. The app is `service/app`, gunicorn's part `service/server`."""

from typing import Annotated

import typer

from pipelines.errors import NotReady
from pipelines.settings import Settings
from service.cli.console import answering, say

app = typer.Typer(add_completion=False)

Threads = Annotated[
    int, typer.Option("--threads", min=1, max=64, help="Requests that one process answers at once.")
]


@app.command()
def serve(threads: Threads = 8) -> None:
    """Serve the HTTP API until Ctrl-C, at HOURGLASS_HOST and HOURGLASS_PORT.

    HOURGLASS_WORKERS processes answer; each holds its own copy of the active artifact.

    Example: HOURGLASS_PORT=8080 hourglass serve
    """
    from service.greeting import greeting
    from service.server import Server, can_bind

    with answering(as_json=False):
        settings = Settings.from_environment()
        if not can_bind(settings.host, settings.port):
            raise NotReady(
                f"Another program listens at {settings.host}:{settings.port}. "
                "Stop it, or set HOURGLASS_PORT to another port."
            )
        text = greeting(settings)
        Server(settings, threads=threads, on_ready=lambda: say(text)).run()
