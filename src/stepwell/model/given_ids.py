"""Ids that schedulers give to runs and tasks: what they may look like."""

from __future__ import annotations

import re

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_RANGE = re.compile(r"[0-9]+-[0-9]+")
_NAMED_RUNS = ("latest", "latest-successful")

RULE = "An id has 1 to 128 letters, digits, `-` and `_`, and begins with a letter or a digit."


def fault_of_run_id(text: str) -> str:
    """Say why a text cannot be the id of a run; empty if it can."""
    if text in _NAMED_RUNS:
        return f"`{text}` stands for a run in addresses. Choose another id."
    return "" if _PLAIN.fullmatch(text) else RULE


def fault_of_task_id(text: str) -> str:
    """Say why a text cannot be the id of a task; empty if it can."""
    if _RANGE.fullmatch(text):
        return f"`{text}` stands for a range of tasks in records. Put a letter before it."
    return "" if _PLAIN.fullmatch(text) else RULE
