"""Small files that a run writes for others."""

from __future__ import annotations

import os
from pathlib import Path

from stepwell.exceptions import UsageError


def write_whole(path: Path, text: str) -> None:
    """Write a small file for others: they see it whole or not at all.

    Raises
    ------
    UsageError
        It cannot be written there.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        aside.write_text(text, encoding="utf-8")
        aside.replace(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from error
