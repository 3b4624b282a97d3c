"""Objects as files under one directory."""

from __future__ import annotations

import errno
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from stepwell.datastore.storage import Buffer, Storage
from stepwell.exceptions import StoreError
from stepwell.storages import removal
from stepwell.storages.border import Border
from stepwell.storages.descriptors import PLAIN, map_private, read_all, sync_file_system, write_all

_KEY = re.compile(r"[A-Za-z0-9_\-=+@][A-Za-z0-9._\-=+@]*(?:/[A-Za-z0-9_\-=+@][A-Za-z0-9._\-=+@]*)*")
_TMPFILE = getattr(os, "O_TMPFILE", 0)

# Objects up to this size are read rather than mapped: a mapping costs page faults and, in Python < 3.13, a
# file descriptor.
_MAP_FROM = 256 * 1024

_TEMPORARY = ".tmp"

_TRIES = 50
_PAUSE_S = 0.000_002

# The modification time of every object that `write` made. Whatever writes to the file later moves it away, so
# that one stat tells whether the bytes are still ours.
_SEALED_NS = 1_000_000_000 * 1_000_000_007


class LocalStorage(Storage):
    """Keeps each object in a file of its own, for this user only. The directory is made by the first write.

    Parameters
    ----------
    root
        The directory.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self._root = os.path.abspath(root)  # noqa: PTH100 - pathlib is not imported on the task path
        self._anonymous = bool(_TMPFILE)
        self._links = True
        self._reading = Border("read", self._root)
        self._writing = Border("write", self._root)
        self._deleting = Border("delete from", self._root)

    @property
    def location(self) -> str:
        return self._root

    def write(self, key: str | Callable[[], str], data: Sequence[Buffer]) -> bool:
        with self._writing:
            if isinstance(key, str):
                self._path(key)
            if self._anonymous:
                fd = self._open_anonymous()
                if fd is not None:
                    try:
                        write_all(fd, data)
                        return self._publish_anonymous(fd, self._path(key if isinstance(key, str) else key()))
                    finally:
                        os.close(fd)
            return self._write_named(key, data)

    def replace(self, key: str, data: Buffer) -> None:
        with self._writing:
            path = self._path(key)
            temporary = self._write_temporary([data])
            try:
                _with_parents(path, lambda: os.replace(temporary, path))  # noqa: PTH105
            except BaseException:
                _unlink(temporary)
                raise

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes | None:
        with self._reading:
            fd = self._open_to_read(key)
            if fd is None:
                return None
            try:
                wanted = max(0, os.fstat(fd).st_size - start) if length is None else length
                return read_all(fd, start, wanted)
            finally:
                os.close(fd)

    def map(self, key: str) -> memoryview | None:
        with self._reading:
            fd = self._open_to_read(key)
            if fd is None:
                return None
            try:
                size = os.fstat(fd).st_size
                if size < _MAP_FROM:
                    return memoryview(bytearray(read_all(fd, 0, size)))
                return memoryview(map_private(fd, size))
            finally:
                os.close(fd)

    def size(self, key: str) -> int | None:
        with self._reading:
            try:
                return os.stat(self._path(key)).st_size  # noqa: PTH116
            except FileNotFoundError:
                return None

    def untouched(self, key: str) -> bool:
        with self._reading:
            try:
                found = os.stat(self._path(key))  # noqa: PTH116
            except FileNotFoundError:
                return False
            # A power cut may take bytes that were not yet on disk: files from before this boot are in doubt.
            return found.st_mtime_ns == _SEALED_NS and found.st_ctime_ns > _booted_ns()

    def list(self, prefix: str) -> Iterator[str]:
        folder = prefix.strip("/")
        yield from self._walk(f"{folder}/" if folder else "")

    def delete(self, keys: Sequence[str]) -> None:
        with self._deleting:
            paths = [self._path(key) for key in keys]
            for path in paths:
                _unlink(path)
            removal.remove_empty_folders(self._root, dict.fromkeys(map(os.path.dirname, paths)))

    def renew(self, key: str) -> bool:
        with self._writing:
            return removal.renew(self._path(key), _SEALED_NS, _booted_ns())

    def written_at(self, key: str) -> float | None:
        with self._reading:
            try:
                return os.stat(self._path(key)).st_ctime  # noqa: PTH116
            except FileNotFoundError:
                return None

    def discard(self, keys: Sequence[str], before: float) -> Sequence[str]:
        with self._deleting:
            removal.must_have_locks()
            gone = [key for key in keys if removal.discard(self._path(key), before)]
            folders = (os.path.dirname(self._path(key)) for key in gone)  # noqa: PTH120
            removal.remove_empty_folders(self._root, dict.fromkeys(folders))
            return gone

    def clear_leftovers(self, before: float, dry_run: bool = False) -> int:
        with self._deleting:
            found = list(removal.leftovers(f"{self._root}/{_TEMPORARY}", before))
            for path, _ in [] if dry_run else found:
                _unlink(path)
            return sum(size for _, size in found)

    def sync(self) -> None:
        with self._writing, suppress(FileNotFoundError):
            sync_file_system(self._root)

    def _path(self, key: str) -> str:
        if _KEY.fullmatch(key) is None:
            raise StoreError(f"{key!r} is no name for an object in a datastore.")
        return f"{self._root}/{key}"

    def _open_to_read(self, key: str) -> int | None:
        try:
            return os.open(self._path(key), os.O_RDONLY | PLAIN)
        except FileNotFoundError:
            return None

    def _open_anonymous(self) -> int | None:
        """A file without a name: it vanishes by itself if this process dies before it is published."""
        flags = os.O_WRONLY | _TMPFILE | PLAIN
        try:
            return os.open(self._root, flags, 0o600)
        except FileNotFoundError:
            _make_root(self._root)
            return os.open(self._root, flags, 0o600)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOSYS):
                raise
            self._anonymous = False
            return None

    def _publish_anonymous(self, fd: int, path: str) -> bool:
        os.utime(fd, ns=(_SEALED_NS, _SEALED_NS))

        def publish() -> None:
            # With a directory descriptor CPython calls linkat with AT_SYMLINK_FOLLOW; without one it calls
            # link, which would link the symbolic link in /proc itself. The path is absolute: fd is not used.
            os.link(f"/proc/self/fd/{fd}", path, src_dir_fd=fd, follow_symlinks=True)

        try:
            _with_parents(path, publish)
        except FileExistsError:
            return False
        return True

    def _write_named(self, key: str | Callable[[], str], data: Sequence[Buffer]) -> bool:
        temporary = self._write_temporary(data)
        try:
            path = self._path(key if isinstance(key, str) else key())
            os.utime(temporary, ns=(_SEALED_NS, _SEALED_NS))
            return self._publish_named(temporary, path)
        finally:
            _unlink(temporary)

    def _publish_named(self, temporary: str, path: str) -> bool:
        if self._links:
            try:
                _with_parents(path, lambda: os.link(temporary, path))
                return True
            except FileExistsError:
                return False
            except OSError as error:
                if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK):
                    raise
                self._links = False
        # A file system without links: a claim, made exclusively, decides who may rename.
        claim = f"{self._root}/{_TEMPORARY}/claim-{_claim_name(path)}"
        try:
            _with_parents(
                claim, lambda: os.close(os.open(claim, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            )
        except FileExistsError:
            return False
        try:
            if os.path.exists(path):  # noqa: PTH110
                return False
            _with_parents(path, lambda: os.rename(temporary, path))  # noqa: PTH104
            return True
        finally:
            _unlink(claim)

    def _write_temporary(self, data: Sequence[Buffer]) -> str:
        path = f"{self._root}/{_TEMPORARY}/{os.urandom(16).hex()}"
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | PLAIN
        try:
            fd = os.open(path, flags, 0o600)
        except FileNotFoundError:
            _make_root(self._root)
            _make_directories(os.path.dirname(path))  # noqa: PTH120
            fd = os.open(path, flags, 0o600)
        try:
            write_all(fd, data)
        except BaseException:
            _unlink(path)
            raise
        finally:
            os.close(fd)
        return path

    def _walk(self, folder: str) -> Iterator[str]:
        with self._reading:
            try:
                with os.scandir(f"{self._root}/{folder}") as entries:
                    # Folders sort with their slash, so that whole keys come out sorted.
                    names = sorted(
                        entry.name + "/" if entry.is_dir(follow_symlinks=False) else entry.name
                        for entry in entries
                        if not entry.name.startswith(".")
                    )
            except FileNotFoundError:
                return
        for name in names:
            if name.endswith("/"):
                yield from self._walk(folder + name)
            else:
                yield folder + name


def _with_parents(path: str, act: Callable[[], None]) -> None:
    """Do it; make the directories of ``path`` only if that turns out to be needed."""
    for tries in range(_TRIES):
        try:
            return act()
        except FileNotFoundError:
            # Whoever removes empty directories may be quicker than what is to lie in them.
            if tries > 1:  # and two that do nothing else could go on in step for ever
                time.sleep(tries * os.urandom(1)[0] * _PAUSE_S)
            with suppress(FileNotFoundError):
                _make_directories(os.path.dirname(path))  # noqa: PTH120
    return act()


def _make_directories(path: str) -> None:
    try:
        os.mkdir(path, 0o700)  # noqa: PTH102
    except FileExistsError:
        pass
    except FileNotFoundError:
        _make_directories(os.path.dirname(path))  # noqa: PTH120
        with suppress(FileExistsError):
            os.mkdir(path, 0o700)  # noqa: PTH102


def _make_root(root: str) -> None:
    """Make the directory, and keep Git away from what will lie in it."""
    _make_directories(root)
    with suppress(FileExistsError):
        fd = os.open(f"{root}/.gitignore", os.O_CREAT | os.O_EXCL | os.O_WRONLY | PLAIN, 0o600)
        try:
            os.write(fd, b"*\n")
        finally:
            os.close(fd)


def _unlink(path: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108


def _claim_name(path: str) -> str:
    from hashlib import sha256

    return sha256(path.encode()).hexdigest()


def _booted_ns() -> int:
    """When this machine was started; where that is unknown, a time that no file is younger than."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return sys.maxsize
