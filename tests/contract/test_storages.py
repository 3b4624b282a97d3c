import pytest

from stepwell.storages.local import LocalStorage
from stepwell.storages.memory import MemoryStorage
from stepwell.testing.storage_contract import StorageContract


class TestLocal(StorageContract):
    @pytest.fixture
    def storage(self, tmp_path):
        return LocalStorage(tmp_path / "root")


class TestLocalWithoutAnonymousFiles(StorageContract):
    @pytest.fixture
    def storage(self, tmp_path):
        storage = LocalStorage(tmp_path / "root")
        storage._anonymous = False
        return storage


class TestLocalWithoutLinks(StorageContract):
    @pytest.fixture
    def storage(self, tmp_path):
        storage = LocalStorage(tmp_path / "root")
        storage._anonymous = storage._links = False
        return storage


class TestMemory(StorageContract):
    @pytest.fixture
    def storage(self):
        return MemoryStorage()
