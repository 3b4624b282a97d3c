"""What the environment says of the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping


def wants_plain_lines(environ: Mapping[str, str] | None = None) -> bool:
    """Whether output must do without cursor movement and colour, although it goes to a terminal."""
    environ = os.environ if environ is None else environ
    return environ.get("TERM", "dumb") == "dumb" or bool(environ.get("NO_COLOR")) or bool(environ.get("CI"))


def has_display(environ: Mapping[str, str] | None = None) -> bool:
    """Whether a browser could show something to the user, and no program of a pipeline's is the user."""
    environ = os.environ if environ is None else environ
    if environ.get("CI"):
        return False
    is_graphical = sys.platform in ("darwin", "win32")
    return is_graphical or bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))
