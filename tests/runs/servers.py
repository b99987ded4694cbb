"""A PostgreSQL server of a test's own, that may be stopped at any moment."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import ASKED, DATABASES, without_postgresql

USER = "postgres"
OPTIONS = "-c listen_addresses=127.0.0.1 -c fsync=off -c shared_buffers=16MB"


class Server:
    """One server in a folder; stopped and started as often as one likes."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._binaries = binaries
        self._data = folder / "data"
        self._options = f"-p {port} -k {folder} {OPTIONS}"
        self.url = f"postgresql+psycopg://{USER}@127.0.0.1:{port}/postgres"
        self._call("initdb", "--auth=trust", f"--username={USER}", "--encoding=UTF8", "--no-sync")

    def start(self) -> None:
        log = str(self._data / "log")
        self._call("pg_ctl", "start", "--wait", "--silent", "-l", log, "-o", self._options)

    def stop(self) -> None:
        """At once, whatever its clients are doing."""
        self._call("pg_ctl", "stop", "--mode=immediate", "--silent")

    def _call(self, program: str, *arguments: str) -> None:
        # The server refuses to run as root.
        prefix = ["runuser", "-u", USER, "--"] if os.getuid() == 0 else []
        command = [*prefix, str(self._binaries / program), "-D", str(self._data), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")


@contextmanager
def own_server() -> Iterator[Server]:
    """A running server, gone at the end; without PostgreSQL's programs as without a server."""
    if "postgresql" not in DATABASES:
        pytest.skip(f"HOURGLASS_TEST_DATABASES asks for {ASKED} alone")
    binaries = _binaries()
    if binaries is None or (os.getuid() == 0 and shutil.which("runuser") is None):
        without_postgresql("initdb, pg_ctl or, for root, runuser is not installed")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        if os.getuid() == 0:
            shutil.chown(name, USER)
        server = Server(binaries, Path(name))
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _binaries() -> Path | None:
    """Where `initdb` and `pg_ctl` are: on the path, or where Debian puts them."""
    found = shutil.which("initdb")
    if found is not None and shutil.which("pg_ctl") is not None:
        return Path(found).parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)
