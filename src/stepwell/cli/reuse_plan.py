"""What ``resume --dry-run`` and ``continue --dry-run`` print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from stepwell.cli.context import CliContext

if TYPE_CHECKING:
    from stepwell.scheduling.reuse import StepPlan


def print_reuse(
    context: CliContext, flow: str, origin: str, steps: Sequence[StepPlan], as_json: bool
) -> None:
    """Print, for each step, what would be taken over from a run and what would be executed, and why."""
    if as_json:
        plan = {"flow": flow, "origin": origin, "steps": steps}
        context.console.data(msgspec.json.encode(plan).decode())
        return
    context.console.data(f"{flow} would go on from run {origin}:")
    width = max(len(step.step) for step in steps)
    for step in steps:
        context.console.data(f"  {step.step:<{width}}  {_in_words(step)}")


def _in_words(step: StepPlan) -> str:
    if not step.why:
        return f"{step.reused} reused" if step.reused else "skipped"
    parts = [f"{step.reused} reused"] if step.reused else []
    parts.append(f"{step.executed} executed again" if step.executed else "executed")
    return f"{', '.join(parts)} ({step.why})"
