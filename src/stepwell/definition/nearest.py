"""The known name that is nearest to a mistyped one."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str], quote: str = "`") -> str:
    """Return ``Did you mean `x`?`` for the nearest known name, or an empty text if none is near."""
    import difflib  # start-up cost that only mistakes pay

    near = difflib.get_close_matches(name, list(known)[:2000], n=1, cutoff=0.6)
    return f"Did you mean {quote}{near[0]}{quote}?" if near else ""


def listed(names: Iterable[str], most: int = 12) -> str:
    """Return the names in backquotes, joined by commas; cut after ``most``."""
    names = list(names)
    shown = ", ".join(f"`{name}`" for name in names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
