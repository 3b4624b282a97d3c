"""Folders for the time that a task runs. What a killed one left is removed by the next that needs one."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

_OLD_S = 60.0
"""Younger ones may be on their way from being made to being locked."""

_held: list[int] = []
"""Locks of this process. They end with it, and with the children that it forked."""


def scratch_folder(purpose: str) -> Path:
    """Make a folder that is this process's, as long as it lives."""
    try:
        import fcntl
    except ImportError:  # Windows has no such locks: what a killed process leaves stays there
        return Path(tempfile.mkdtemp(prefix=f"stepwell-{purpose}-"))
    prefix = f"stepwell-{purpose}-{os.getuid()}-"
    _sweep(Path(tempfile.gettempdir()), prefix)
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    held = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    fcntl.flock(held, fcntl.LOCK_EX)
    _held.append(held)
    return folder


def _sweep(parent: Path, prefix: str) -> None:
    import fcntl

    for folder in parent.glob(f"{prefix}*"):
        try:
            if time.time() - folder.stat().st_mtime < _OLD_S:
                continue
            held = os.open(folder, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_DIRECTORY)
        except OSError:
            continue  # somebody else has just removed it
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue  # its process lives
        finally:
            os.close(held)
