"""``step``, hidden: what engines call to run one task. The task comes as data, not as options."""

from __future__ import annotations

import click


def command(_flow_class: object) -> click.Command:
    """Build the command."""
    return click.Command("step", callback=step, hidden=True, help="Run one task.")


def step() -> int:
    """Run the task that standard input describes; return the exit code of its process."""
    from stepwell.wiring import run_spawned_task

    return run_spawned_task()
