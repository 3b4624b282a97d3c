"""Whose values are loaded: those of places that nobody else can write to, and of places that are trusted."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from stepwell.datastore.serializers import Distrust
from stepwell.settings.settings import Settings


def distrust_of(root: Path, settings: Settings, trust: bool | None) -> Distrust | None:
    """Return why values of a datastore may not be loaded that could run code; None if all may be.

    Parameters
    ----------
    trust
        What the caller says; None leaves it to who can write there, and to the settings.
    """
    if trust or (trust is None and settings.trusts(root)):
        return None
    why = strangers(root) if trust is None else "it was opened with `trust=False`"
    return Distrust(str(root), why) if why else None


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
