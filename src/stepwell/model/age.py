"""Ages as users write them: ``90s``, ``30m``, ``12h``, ``7d``, ``2w``."""

from __future__ import annotations

import re

_AGE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([smhdw])\s*")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}


def age_in_s(text: str) -> float | None:
    """Return the seconds of an age; None if the text is none.

    >>> age_in_s("1.5h")
    5400.0
    """
    found = _AGE.fullmatch(text)
    return float(found[1]) * _UNITS[found[2]] if found else None
