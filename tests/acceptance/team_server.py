"""A real `stepwell server` for a test."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class TeamServer:
    """A server's process, which can be killed and started again at the same address."""

    def __init__(self, folder: Path, *options: str, **variables: str) -> None:
        self.folder = folder
        self.options = ("--metadata", "local", *options)
        self._variables = variables
        self._port = "0"
        self.address = ""
        self.start()

    def start(self) -> None:
        """Start it; once this returns, it can be called."""
        with open(self.folder / "server.txt", "ab") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "stepwell", "server", "--create", "--port", self._port, *self.options],
                cwd=self.folder,
                env={**os.environ, **self._variables},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=err,
                text=True,
            )
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()
        assert self.address, self.said
        self._port = self.address.split(":")[2].split("/")[0]

    @property
    def said(self) -> str:
        """What it has written to standard error."""
        return (self.folder / "server.txt").read_text()

    def kill(self) -> None:
        """End it without a warning."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def end(self, number: int) -> int:
        """Send a signal; return the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(60)
        self.process.stdout.close()
        return code


@contextmanager
def team_server(folder: Path, *options: str, **variables: str) -> Iterator[TeamServer]:
    """Serve a datastore in ``folder`` while inside."""
    folder.mkdir(exist_ok=True)
    server = TeamServer(folder, *options, **variables)
    try:
        yield server
    finally:
        server.kill()
