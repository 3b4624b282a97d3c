"""Removes files that others may be about to rely on, and makes files young for those who do.

Both take a lock on the file itself. It goes with the process that holds it, however that ends.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress

from stepwell.exceptions import StoreUnavailable
from stepwell.storages.descriptors import PLAIN

_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)
_NOT_OURS = (errno.EPERM, errno.EACCES, errno.EROFS)


def renew(path: str, sealed_ns: int, booted_ns: int) -> bool:
    """Move the time at which the file was last changed to now; return False if there is none.

    Parameters
    ----------
    sealed_ns
        The modification time of files that nobody has touched.
    booted_ns
        What was written before is in doubt, and must not lose that by becoming younger.
    """
    try:
        fd = os.open(path, os.O_RDONLY | PLAIN)
    except FileNotFoundError:
        return False
    try:
        with suppress(StoreUnavailable):  # where there are no locks, nothing is ever discarded
            _lock(fd, alone=False)
        found = os.fstat(fd)
        if not found.st_nlink:
            return False
        in_doubt = found.st_mtime_ns == sealed_ns and found.st_ctime_ns <= booted_ns
        file = fd if os.utime in os.supports_fd else path
        with _allowed():
            os.utime(file, ns=(found.st_atime_ns, found.st_mtime_ns + in_doubt))
        return True
    finally:
        os.close(fd)


def discard(path: str, before: float) -> bool:
    """Remove the file unless it has changed since; return whether it was removed.

    Raises
    ------
    StoreUnavailable
        There are no locks on this file system.
    """
    try:
        # To be locked alone on a network file system, a file must be open for writing.
        fd = os.open(path, os.O_RDWR | PLAIN)
    except FileNotFoundError:
        return False
    try:
        if not _lock(fd, alone=True):
            return False  # somebody is about to rely on it
        found = os.fstat(fd)
        if found.st_ctime >= before or not _is_at(found, path):
            return False
        os.unlink(path)  # noqa: PTH108
        return True
    finally:
        os.close(fd)


def must_have_locks() -> None:
    """Raise `StoreUnavailable` if this system knows no locks on files."""
    try:
        import fcntl  # noqa: F401  # pyright: ignore[reportUnusedImport]
    except ImportError as error:
        raise StoreUnavailable(
            "Nothing can be removed safely beside runs: this system has no locks on files. Delete the whole "
            "datastore while no run goes on, or remove results from another system."
        ) from error


def remove_empty_folders(root: str, folders: Iterable[str]) -> None:
    """Remove the folders below the root that have become empty, and those around them."""
    for folder in folders:
        place = folder
        while len(place) > len(root):
            try:
                os.rmdir(place)  # noqa: PTH106
            except FileNotFoundError:
                pass
            except OSError:
                break  # it is not empty
            place = os.path.dirname(place)  # noqa: PTH120


def leftovers(folder: str, before: float) -> Iterator[tuple[str, int]]:
    """Yield path and size of files in a folder that nobody has changed since."""
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                found = entry.stat(follow_symlinks=False)
                if found.st_ctime < before:
                    yield entry.path, found.st_size


def _is_at(found: os.stat_result, path: str) -> bool:
    """Whether the path still leads to the file that is locked, and not to one that has taken its place."""
    try:
        there = os.stat(path)  # noqa: PTH116
    except FileNotFoundError:
        return False
    return (there.st_dev, there.st_ino) == (found.st_dev, found.st_ino)


def _lock(fd: int, alone: bool) -> bool:
    """Lock the file; return False if that would have to wait, which only who wants it alone does not."""
    must_have_locks()
    import fcntl

    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB if alone else fcntl.LOCK_SH)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        raise StoreUnavailable(
            f"Nothing can be removed safely beside runs: the file system has no locks ({error.strerror})."
        ) from error
    return True


@contextmanager
def _allowed() -> Generator[None]:
    """Pass over what this user may not change: he cannot remove it either."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NOT_OURS:
            raise
