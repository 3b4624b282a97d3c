"""``stepwell [GLOBAL] COMMAND ...``: the front door that needs no flow of its own."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click
from msgspec.structs import replace

from stepwell.cli.context import CliContext
from stepwell.cli.errors import run_and_exit
from stepwell.cli.lazy_group import HELP_OPTIONS, Entry, LazyGroup, load_command
from stepwell.cli.options import global_options, make_context

PROGRAM = "stepwell"


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Carry out a command line of ``stepwell`` and exit."""
    run_and_exit(stepwell_group(), sys.argv[1:] if argv is None else argv, PROGRAM)


def stepwell_group() -> click.Group:
    """Return the commands of ``stepwell``."""
    return LazyGroup(
        build=_build,
        name=PROGRAM,
        params=global_options(),
        callback=_callback,
        invoke_without_command=True,
        help="Stepwell runs flows: Python classes whose methods are steps.",
    )


def _callback(**values: Any) -> None:
    ctx = click.get_current_context()
    ctx.obj = make_context(ctx, values, PROGRAM, None)
    if ctx.invoked_subcommand is None:
        ctx.obj.console.data(*ctx.get_help().splitlines())


def _build(name: str, entry: Entry) -> click.Command:
    return _with_target(name, entry) if entry.source else load_command(entry)


def is_flow_target(text: str) -> bool:
    """Whether an argument names source (``flow.py``, ``pkg.mod:Flow``), not a pathspec."""
    place = text.partition(":")[0]
    return place.endswith(".py") or ("/" not in text and ("." in text or ":" in text))


def _with_target(name: str, entry: Entry) -> click.Command:
    """Return a command whose first argument is the flow, and whose options are known once it is loaded."""

    def callback(args: tuple[str, ...]) -> object:
        ctx = click.get_current_context()
        context: CliContext = ctx.obj
        place = _first_argument(entry, args)
        target = args[place] if place < len(args) else ""
        if not target and not set(HELP_OPTIONS).isdisjoint(args):
            return _invoke(entry, None, ["--help"], f"{PROGRAM} {name} {entry.source}", context)
        if not entry.flow and not is_flow_target(target):
            return _invoke(entry, None, args, f"{PROGRAM} {name}", context)
        if not target:
            files = [word for word in args if word.startswith("-") and word.endswith(".py")]
            why = f"; `{files[0]}` is read as an option, write `./{files[0]}`" if files else ""
            raise click.UsageError(f"no flow is named, as in `{PROGRAM} {name} flow.py`{why}", ctx)
        from stepwell.definition.loader import load_flow  # only commands of a flow load one

        flow_class = load_flow(target)
        context = replace(context, flow_class=flow_class, target=target)
        rest = (*args[:place], *args[place + 1 :])
        return _invoke(entry, flow_class, rest, f"{PROGRAM} {name} {target}", context)

    return click.Command(
        name,
        params=[click.Argument(["args"], nargs=-1, type=click.UNPROCESSED, metavar=f"{entry.source} ...")],
        callback=callback,
        add_help_option=False,
        context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    )


def _first_argument(entry: Entry, args: Sequence[str]) -> int:
    """Return the place of the first argument that is neither an option nor the value of one.

    Parameters of the flow are options too, but only the flow's file says which: what follows an option that
    the command has not, and is no file of Python, is its value.
    """
    if not args or not args[0].startswith("-"):
        return 0
    options = [option for option in load_command(entry).params if isinstance(option, click.Option)]
    takes_value = {name: not option.is_flag for option in options for name in option.opts}
    takes_value |= dict.fromkeys(HELP_OPTIONS, False)
    place = 0
    while place < len(args) and args[place].startswith("-"):
        name, equals, _ = args[place].partition("=")
        following = args[place + 1] if place + 1 < len(args) else ""
        is_file = following.partition(":")[0].endswith(".py")
        place += 2 if not equals and takes_value.get(name, not is_file) else 1
    return place


def _invoke(
    entry: Entry, flow_class: object, args: Sequence[str], program: str, context: CliContext
) -> object:
    command = load_command(entry, flow_class)
    return command.main(
        list(args), prog_name=program, standalone_mode=False, obj=context, help_option_names=HELP_OPTIONS
    )
