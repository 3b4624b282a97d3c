import contextlib
import os
import signal
import subprocess
import uuid
from pathlib import Path

import pytest
from command_line import Folder, alive_with

from flows import Flows
from postgres import PASSWORD


@pytest.fixture
def flows(tmp_path):
    """Writes flows and runs them with the real command line; results lie in a datastore of the test's own."""
    return Flows(tmp_path)


@pytest.fixture
def folder(tmp_path):
    """A folder of its own to run flows in."""
    return Folder(tmp_path)


@pytest.fixture
def mark(monkeypatch):
    """A word in the environment of all that the test starts, by which survivors are found."""
    text = f"fault-{uuid.uuid4().hex}"
    monkeypatch.setenv("FAULT_MARK", text)
    yield text
    for pid in alive_with(text):
        with contextlib.suppress(ProcessLookupError):  # it has just ended
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def disk(tmp_path, monkeypatch):
    """Mount a small disk, or skip where that is not allowed. Nobody waits for long that it gets larger."""
    monkeypatch.setenv("STEPWELL_STORE_PATIENCE", "0.3")
    mounted: list[Path] = []

    def make(size: str) -> Path:
        place = tmp_path / "disk"
        place.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "none", str(place)], capture_output=True
        )
        if done.returncode:
            pytest.skip("mounting is not permitted here")
        mounted.append(place)
        return place

    yield make
    for place in mounted:
        subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def mount(tmp_path, monkeypatch):
    """Mount a small file system, or skip where that is not allowed. Nobody waits long for more room."""
    monkeypatch.setenv("STEPWELL_STORE_PATIENCE", "0.3")
    mounted: list[Path] = []

    def make(options: str) -> Path:
        place = tmp_path / f"mount{len(mounted)}"
        place.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "none", str(place)], capture_output=True
        )
        if done.returncode:
            pytest.skip("mounting is not permitted here")
        mounted.append(place)
        return place

    yield make
    for place in mounted:
        subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture(scope="session")
def database_owner(postgres_server):
    """Somebody who has a password, and databases of their own."""
    postgres_server.do(f"CREATE USER owner PASSWORD '{PASSWORD}'")
    return "owner"


@pytest.fixture
def address(postgres_server, database_owner):
    """The address of a database of the test's own, with a password."""
    name = postgres_server.new_database(f"OWNER {database_owner}")
    yield postgres_server.address(name, database_owner, PASSWORD)
    postgres_server.do(f"DROP DATABASE {name} WITH (FORCE)")
