import pytest

from stepwell.metadata_stores.memory import MemoryMetadata
from stepwell.metadata_stores.sqlite import SqliteMetadata
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
