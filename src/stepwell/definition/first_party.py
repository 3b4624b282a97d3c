"""Which files are the user's own code, and not a library's or ours."""

from __future__ import annotations

import os

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep  # noqa: PTH100, PTH120 - as below
_LIBRARY = os.path.dirname(os.path.abspath(os.__file__)) + os.sep  # noqa: PTH100, PTH120 - the import system's texts
_INSTALLED = frozenset({"site-packages", "dist-packages", "node_modules", "__pycache__"})


def is_installed(folder: str) -> bool:
    """Whether a folder of this name holds what others have written, or what was made of it."""
    return folder in _INSTALLED


def is_ours(file: str) -> bool:
    """Whether a source file belongs to Stepwell."""
    return file.startswith(_OURS)


def is_first_party(file: str) -> bool:
    """Whether a Python source is neither of the standard library, nor of an installed package, nor ours."""
    if not file.endswith(".py"):
        return file.startswith("<")  # a notebook's cell, say
    if is_ours(file) or file.startswith(_LIBRARY):
        return False
    return not any(map(is_installed, file.split(os.sep)))  # noqa: PTH206
