"""Small files that a run writes for others."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from stepwell.exceptions import UsageError


def write_whole(path: Path, text: str) -> None:
    """Write a small file for other programs of the user: they see it whole or not at all.

    Raises
    ------
    UsageError
        It cannot be written there.
    """
    # A name that nobody knows beforehand: the folder may be one that others can write to.
    aside = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    try:
        fd = os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with open(fd, "w", encoding="utf-8") as file:
            file.write(text)
        aside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from error
