"""``launcher``, hidden: what the local engine starts to have tasks forked in another environment."""

from __future__ import annotations

import click


def command(_flow_class: object) -> click.Command:
    """Build the command."""
    return click.Command("launcher", callback=launcher, hidden=True, help="Start tasks.")


def launcher() -> None:
    """Serve until the run process has gone."""
    from stepwell.wiring.processes import serve_launcher

    serve_launcher()
