"""Where a source file is imported from: the folder above its outermost package, and its name from there."""

from __future__ import annotations

import os


def root_of(script: str) -> str:
    """Return the folder that a file is imported from: the one above its outermost package."""
    folder = os.path.dirname(os.path.abspath(script))  # noqa: PTH100, PTH120 - on the start-up path of every run
    while os.path.exists(os.path.join(folder, "__init__.py")):  # noqa: PTH110, PTH118
        above = os.path.dirname(folder)  # noqa: PTH120
        if above == folder:
            break
        folder = above
    return folder


def module_of(script: str) -> str:
    """Return the dotted name of a file in a package; an empty text if it is in none that can be imported."""
    root = root_of(script)
    parts = os.path.relpath(os.path.abspath(script), root).removesuffix(".py").split(os.sep)  # noqa: PTH100, PTH206
    if len(parts) == 1 or any("." in part for part in parts):
        return ""
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
