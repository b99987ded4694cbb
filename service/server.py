"""gunicorn, set up for this app. Not the app: each worker process makes its own.

The parent imports neither the app nor torch: what is forked stays small, and the number of
threads can still be set before torch starts them.
"""

import errno
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication

from pipelines.settings import Settings

if TYPE_CHECKING:
    from service.app import Hourglass

WORKER_TIMEOUT = 120
"""Seconds without a sign of life after which a worker is replaced; loading torch is slow."""

ONE_THREAD = ["OMP_NUM_THREADS=1", "MKL_NUM_THREADS=1"]
"""For the workers' arithmetic: many threads in many processes only take cores from one another."""


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """The gunicorn that serves one Settings."""

    def __init__(self, settings: Settings, *, threads: int, on_ready: Callable[[], object]) -> None:
        self.settings = settings
        self.options: dict[str, Any] = {
            "bind": [_address(settings.host, settings.port)],
            "workers": settings.workers,
            "worker_class": "gthread",
            "threads": threads,
            "timeout": WORKER_TIMEOUT,
            "graceful_timeout": 10,
            "loglevel": "warning",
            "control_socket_disable": True,
            "when_ready": lambda _arbiter: on_ready(),
            "raw_env": ONE_THREAD,
        }
        super().__init__()

    def load_config(self) -> None:
        """Hand the options to gunicorn; its own environment and files are not read."""
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> "Hourglass":
        """The app, made in the worker."""
        from service.app import create_app

        return create_app(self.settings)


def can_bind(host: str, port: int) -> bool:
    """Whether nobody listens there. Other faults of an address are gunicorn's to report."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.errno != errno.EADDRINUSE
    return True


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
