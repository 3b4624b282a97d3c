"""What the environment says of the terminal."""

from __future__ import annotations

import os
from collections.abc import Mapping


def wants_plain_lines(environ: Mapping[str, str] | None = None) -> bool:
    """Whether output must do without cursor movement and colour, although it goes to a terminal."""
    environ = os.environ if environ is None else environ
    return environ.get("TERM", "dumb") == "dumb" or bool(environ.get("NO_COLOR")) or bool(environ.get("CI"))
