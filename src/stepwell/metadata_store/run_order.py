"""Runs in order: by number where the id is one, else by the number they were given."""

from __future__ import annotations

from stepwell.model.run import RunRecord

_HIGHEST = 2**62


def run_number(run: str) -> int:
    """Return the number that a run's id is, or 0 for ids that are other text."""
    if run.isascii() and run.isdigit() and len(run) < 20:
        number = int(run)
        return number if number < _HIGHEST else 0
    return 0


def place_of(run: RunRecord) -> int:
    """Return the run's place among all runs: later runs have higher ones."""
    return run.number or run_number(run.run)
