"""``FILE:LINE`` as users see it."""

from __future__ import annotations

import os


def place(file: str, line: int) -> str:
    """Return ``FILE:LINE``, the file relative to the working directory if it lies in or below it."""
    if os.path.isabs(file):
        here = os.getcwd().rstrip(os.sep) + os.sep
        file = file.removeprefix(here)
    return f"{file}:{line}"
