"""Who can write to a directory, besides the present user."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def strangers(directory: Path) -> str:
    """Say who else can put files there, as a clause; empty if nobody can but the user and the system's own.

    Whoever is in a group that was given write access is no stranger. Nothing is known of a directory that is
    not there, nor on systems without such owners.
    """
    if not hasattr(os, "geteuid"):
        return ""
    try:
        found = directory.stat()
    except OSError:
        return ""  # whoever opens it is told
    if found.st_uid not in (os.geteuid(), 0):
        return f"the datastore {directory} belongs to {_named(found.st_uid)}"
    if found.st_mode & stat.S_IWOTH:
        return f"everybody can write to the datastore {directory}"
    return ""


def _named(uid: int) -> str:
    try:
        import pwd

        return f"the user {pwd.getpwuid(uid).pw_name}"
    except (ImportError, KeyError):
        return f"another user (uid {uid})"
