import pytest

from stepwell.exceptions import StoreUnavailable
from stepwell.runtime.patience import Patience
from stepwell.runtime.patient_stores import PatientStorage
from stepwell.storages.local import LocalStorage
from stepwell.storages.memory import MemoryStorage
from stepwell.storages.overlay import OverlayStorage
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


class Unsteady(MemoryStorage):
    """Every other call fails, for a cause that passes."""

    failed = False

    def _fail(self):
        self.failed = not self.failed
        if self.failed:
            trouble = StoreUnavailable("The network is gone.")
            trouble.may_pass = True
            raise trouble

    def write(self, key, data):
        self._fail()
        return super().write(key, data)

    def replace(self, key, data):
        self._fail()
        super().replace(key, data)

    def read(self, key, start=0, length=None):
        self._fail()
        return super().read(key, start, length)

    def map(self, key):
        self._fail()
        return super().map(key)

    def size(self, key):
        self._fail()
        return super().size(key)

    def untouched(self, key):
        self._fail()
        return super().untouched(key)

    def delete(self, keys):
        self._fail()
        super().delete(keys)


# SPEC 7.2-9
class TestUnsteadyWithPatience(StorageContract):
    @pytest.fixture
    def storage(self):
        return PatientStorage(Unsteady(), Patience(10.0, str, sleep=float))


class TestOverlay(StorageContract):
    @pytest.fixture
    def storage(self, tmp_path):
        return OverlayStorage(LocalStorage(tmp_path / "root"), MemoryStorage())
