"""Texts of others on their way to the terminal: nothing in them can do more there than be read."""

from __future__ import annotations

import re

# What a terminal obeys (C0, DEL, C1, and single bytes of C1 that were no Unicode), and what reorders a line.
_OBEYED = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\udc80-\udc9f]")
_NAMED = {"\n": "\\n", "\r": "\\r"}

# Colours first, for they stay; then commands (CSI), texts to the terminal (OSC, DCS and such), what else
# begins with an escape, and single characters.
_PRINTED = re.compile(
    r"(?P<colour>\x1b\[[0-9;:]*m)"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|(?:\x1b[]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)
_RESET = "\x1b[0m"


def visible(text: str) -> str:
    r"""Return the text as one line, with each control character written as an escape, such as ``\x1b``.

    From 0x7f on the escape is one of JSON, too (``\u009b``): a line of JSON means the same as before.
    """
    return _OBEYED.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    return _NAMED.get(character) or (f"\\x{code:02x}" if code < 0x7F else f"\\u{code:04x}")


def as_printed(text: str) -> str:
    """Return what a program has printed, fit for a terminal: its colours, and nothing else that is obeyed.

    Of a line that was written over with carriage returns, such as a progress bar, the last state is left.
    """
    if _PRINTED.search(text) is None:
        return text
    return "\n".join(map(_line_as_printed, text.split("\n")))


def _line_as_printed(line: str) -> str:
    last = line.rstrip("\r").rpartition("\r")[2]
    kept = _PRINTED.sub(lambda match: match["colour"] or "", last)
    return kept + _RESET if "\x1b" in kept and not kept.endswith(_RESET) else kept
