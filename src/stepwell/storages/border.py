"""Errors of the operating system, in words: what cannot be done with a datastore, why, and what to do."""

from __future__ import annotations

import errno
from types import TracebackType

from stepwell.exceptions import StoreUnavailable

# What somebody else can mend while a writer waits.
_PASSING = frozenset(
    getattr(errno, name)
    for name in (
        *("ENOSPC", "EDQUOT", "EIO", "ESTALE", "ENFILE", "ETIMEDOUT"),
        *("ENETDOWN", "ENETUNREACH", "EHOSTDOWN", "EHOSTUNREACH", "ECONNRESET", "EREMOTEIO"),
    )
    if hasattr(errno, name)
)
_REASONS = {
    errno.ENOSPC: "the disk is full; free some space",
    errno.EDQUOT: "your disk quota is used up; free some space",
    errno.EROFS: "the file system is read-only; choose another datastore or remount it",
    errno.EACCES: "permission denied; give yourself access or choose another datastore",
    errno.EPERM: "permission denied; give yourself access or choose another datastore",
    errno.EIO: "the disk reports an input/output error; check the hardware",
    errno.ESTALE: "the network file system lost the file; check the connection",
    errno.EMFILE: "this process has too many open files; raise `ulimit -n`",
    errno.ENFILE: "the system has too many open files",
    errno.ENOTDIR: "a part of the path is a file, not a directory",
    errno.ENAMETOOLONG: "a name is too long for this file system",
}


class Border:
    """Foreign errors end here. A class, not a generator: every task enters it more than once."""

    __slots__ = ("_root", "_verb")

    def __init__(self, verb: str, root: str) -> None:
        self._verb = verb
        self._root = root

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, OSError):
            reason = _REASONS.get(error.errno or 0) or error.strerror or str(error)
            trouble = StoreUnavailable(f"cannot {self._verb} the datastore {self._root}: {reason}.")
            trouble.may_pass = error.errno in _PASSING
            raise trouble from error
