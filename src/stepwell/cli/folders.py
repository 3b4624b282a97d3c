"""Folders of files that come with Stepwell, and copies of them for the user."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from stepwell.exceptions import UsageError


def texts_of(folder: Path) -> dict[str, str]:
    """Return the files of a folder by name."""
    return {
        path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir()) if path.is_file()
    }


def make_folder(folder: Path, texts: Mapping[str, str]) -> None:
    """Make a folder with these files in it, or nothing.

    Raises
    ------
    UsageError
        There is something of that name, or it cannot be written.
    """
    try:
        folder.mkdir(parents=True)
    except FileExistsError as error:
        raise UsageError(f"{folder} is there already, and stays as it is. Choose another name.") from error
    except OSError as error:
        raise UsageError(f"{folder} cannot be made: {error.strerror}.") from error
    try:
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise UsageError(f"{folder} cannot be written: {error.strerror}.") from error
