"""``python flow.py [GLOBAL] COMMAND ...``: the front door of a flow's own file."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import click

from stepwell.cli.errors import run_and_exit
from stepwell.cli.lazy_group import COMMANDS, Entry, LazyGroup, load_command
from stepwell.cli.options import global_options, make_context
from stepwell.definition.config import configs_of

if TYPE_CHECKING:
    from stepwell.definition.flowspec import FlowSpec


def main(flow_class: type[FlowSpec], argv: Sequence[str] | None = None) -> NoReturn:
    """Carry out the command line for a flow and exit.

    Parameters
    ----------
    argv
        The arguments without the program; ``sys.argv`` unless given.
    """
    program = _program(flow_class)
    args = sys.argv[1:] if argv is None else argv
    run_and_exit(flow_group(flow_class, program), args, program)


def _program(flow_class: type[FlowSpec]) -> str:
    """Return what the user typed before the arguments."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    if spec is None or flow_class.__module__ != "__main__":
        return f"python {sys.argv[0]}"
    return f"python -m {spec.name.removesuffix('.__main__')}"


def flow_group(flow_class: type[FlowSpec], program: str) -> click.Group:
    """Return the commands of a flow."""

    def build(_name: str, entry: Entry) -> click.Command:
        return load_command(entry, flow_class)

    def callback(**values: Any) -> object:
        ctx = click.get_current_context()
        context = ctx.obj = make_context(ctx, values, program, flow_class)
        if ctx.invoked_subcommand is not None:
            return None
        code = ctx.invoke(load_command(COMMANDS["check"], flow_class))
        context.console.talk(
            f"\nNext: `{context.command_line('run')}` runs the flow, `{context.command_line('show')}` shows "
            f"its steps, `{program} --help` lists all commands."
        )
        return code

    return LazyGroup(
        build=build,
        name=program,
        params=global_options(),
        callback=callback,
        invoke_without_command=True,
        help=(flow_class.__doc__ or f"The flow {flow_class.__name__}.").strip(),
        configs=[(config.name, config.told) for config in configs_of(flow_class)],
    )
