"""``trace-export``, hidden: what a traced run starts to have its spans sent to a collector."""

from __future__ import annotations

import click


def command(_flow_class: object) -> click.Command:
    """Build the command."""
    return click.Command("trace-export", callback=trace_export, hidden=True, help="Send spans.")


def trace_export() -> None:
    """Send what the run writes to its trace, until the run has gone."""
    from stepwell.wiring.tracing import serve_exporter

    serve_exporter()
