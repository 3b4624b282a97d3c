"""Changed code, shown as a diff of its source."""

from __future__ import annotations

import difflib

from msgspec import Struct

from stepwell.model.step_code import CodePart, PartChange


class SourceChange(Struct, frozen=True, kw_only=True):
    """A part of a step's code, as it was and as it was then.

    Attributes
    ----------
    part
        What it is, in words.
    diff
        Lines as `diff -u` has them.
    """

    part: str
    diff: tuple[str, ...]


def source_change(change: PartChange, then: str, later: str) -> SourceChange:
    """Compare the sources of a part; ``then`` and ``later`` say in words when each was there."""
    before, now = change.before, change.now
    diff = difflib.unified_diff(
        _lines(before), _lines(now), _label(before, then), _label(now, later), lineterm=""
    )
    return SourceChange(part=str(change), diff=tuple(diff))


def _lines(part: CodePart | None) -> list[str]:
    return [] if part is None else part.source.splitlines()


def _label(part: CodePart | None, when: str) -> str:
    return "nothing" if part is None else f"{part.file}:{part.line} ({when})"
