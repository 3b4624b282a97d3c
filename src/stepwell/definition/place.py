"""Places in files as users see them."""

from __future__ import annotations

from pathlib import Path


def place(file: str, line: int) -> str:
    """Return ``FILE:LINE``, the file relative to the working directory if it lies in or below it."""
    path = Path(file)
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return f"{path}:{line}"


def split_place(where: str) -> tuple[str, int]:
    """Return file and line of ``FILE:LINE``; an empty text and 0 for any other text."""
    file, _, line = where.rpartition(":")
    return (file, int(line)) if file and line.isdecimal() else ("", 0)


def absolute(file: str) -> str:
    """Return the absolute path of a file; of a notebook cell or the like, its name as it is."""
    path = Path(file)
    return str(path.absolute()) if path.exists() else file
