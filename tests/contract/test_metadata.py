import subprocess
import sys
from pathlib import Path

import pytest

from stepwell.exceptions import StoreUnavailable
from stepwell.metadata_stores.memory import MemoryMetadata
from stepwell.metadata_stores.postgres import PostgresMetadata
from stepwell.metadata_stores.service import ServiceMetadata
from stepwell.metadata_stores.sqlite import SqliteMetadata
from stepwell.runtime.patience import Patience
from stepwell.runtime.patient_stores import PatientMetadata
from stepwell.testing.metadata_contract import MetadataContract


class TestMemory(MetadataContract):
    @pytest.fixture
    def store(self):
        return MemoryMetadata()


class TestSqlite(MetadataContract):
    @pytest.fixture
    def store(self, tmp_path):
        store = SqliteMetadata(tmp_path / "metadata.db")
        yield store
        store.close()


# SPEC 12.4-1
class TestPostgres(MetadataContract):
    @pytest.fixture
    def store(self, database):
        store = PostgresMetadata(database)
        yield store
        store.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A server's process: a folder, and the address below which it serves what lies in its folders."""
    folder = tmp_path_factory.mktemp("served")
    script = Path(__file__).with_name("served_stores.py")
    with subprocess.Popen(
        [sys.executable, script, folder], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as process:
        yield folder, process.stdout.readline().strip()
        process.terminate()


# SPEC 12.4-1
class TestService(MetadataContract):
    @pytest.fixture
    def store(self, served, request):
        folder, address = served
        (folder / request.node.name).mkdir()
        store = ServiceMetadata(f"{address}/{request.node.name}")
        yield store
        store.close()


class Unsteady(PatientMetadata):
    """Every other call fails, for a cause that passes."""

    def __init__(self):
        super().__init__(MemoryMetadata(), self._serve)
        self.failed = False

    def _serve(self, act):
        self.failed = not self.failed
        if self.failed:
            trouble = StoreUnavailable("The index is locked.")
            trouble.may_pass = True
            raise trouble
        return act()


# SPEC 7.2-9
class TestUnsteadyWithPatience(MetadataContract):
    @pytest.fixture
    def store(self):
        return PatientMetadata(Unsteady(), Patience(10.0, str, sleep=float))
