"""``check``: is the flow valid?"""

from __future__ import annotations

import click
import msgspec

from stepwell.cli.context import current_context
from stepwell.cli.exit_code import ExitCode
from stepwell.exceptions import GraphError


def command(_flow_class: object) -> click.Command:
    """Build the command."""
    return click.Command(
        "check",
        params=[click.Option(["--json", "as_json"], is_flag=True, help="Print the result as JSON.")],
        callback=check,
        help="Check graph, decorators and parameters without running a step.",
    )


def check(as_json: bool) -> ExitCode:
    """Say whether the flow is valid; the exit code says the same."""
    context = current_context()
    try:
        definition = context.define()
    except GraphError as error:
        if not as_json:
            raise
        problems = [
            {"what": p.what, "where": p.where, "fix": p.fix, "rule": p.rule, "step": p.step}
            for p in error.problems
        ]
        context.console.data(msgspec.json.encode({"valid": False, "problems": problems}).decode())
        return ExitCode.WRONG
    if as_json:
        found = {
            "valid": True,
            "flow": definition.name,
            "steps": list(definition.graph.nodes),
            "problems": [],
        }
        context.console.data(msgspec.json.encode(found).decode())
    else:
        context.console.talk(f"{definition.name}: flow is valid ({len(definition.graph)} steps)")
    return ExitCode.DONE
