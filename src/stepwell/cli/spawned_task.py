"""``spawned-task``, hidden: what the local engine starts to run one task. The task comes as data."""

from __future__ import annotations

import click


def command(_flow_class: object) -> click.Command:
    """Build the command."""
    return click.Command("spawned-task", callback=spawned_task, hidden=True, help="Run one task.")


def spawned_task() -> int:
    """Run the task that an inherited file describes; return the exit code of its process."""
    from stepwell.wiring.processes import run_spawned_task

    return run_spawned_task()
