"""A group of commands that imports a command's module only when that command is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

import click
from msgspec import Struct

from stepwell.definition.nearest import did_you_mean
from stepwell.runtime.signals import interrupts_deferred


class Entry(Struct, frozen=True, kw_only=True):
    """One command: the module whose ``command(flow_class)`` builds it, and its line in ``--help``.

    Attributes
    ----------
    flow
        Whether the command needs a flow's source.
    of_flow
        Whether it may be given a flow's source, whose runs are then meant.
    settings
        Whether configuration files are read for it, and must be right. Who can mend them needs none.
    """

    module: str
    help: str
    flow: bool = False
    of_flow: bool = False
    hidden: bool = False
    settings: bool = True

    @property
    def source(self) -> str:
        """What stands for the flow's source after the command, where the program is not the flow itself."""
        return "FILE.py[:Flow]" if self.flow else "[FILE.py[:Flow]]" if self.of_flow else ""


COMMANDS: Mapping[str, Entry] = {
    "run": Entry(module="run", help="Run the flow.", flow=True),
    "continue": Entry(module="continue_run", help="Go on with a run that did not succeed.", flow=True),
    "resume": Entry(module="resume", help="Run again, reusing results of a run.", flow=True),
    "spin": Entry(module="spin", help="Run one step at once, beside any run.", flow=True),
    "run-many": Entry(module="run_many", help="Run the flow once for each set of parameters.", flow=True),
    "check": Entry(module="check", help="Check the flow without running a step.", flow=True),
    "show": Entry(module="show", help="Show the flow's steps, or a run, step or task.", of_flow=True),
    "runs": Entry(module="runs", help="List runs.", of_flow=True),
    "logs": Entry(module="logs", help="Print what tasks have printed.", of_flow=True),
    "kill": Entry(module="kill", help="End a run from another terminal.", of_flow=True),
    "why": Entry(module="why", help="Say why tasks were executed or reused.", of_flow=True),
    "dump": Entry(module="dump", help="Print the artifacts of tasks.", of_flow=True),
    "card": Entry(module="card", help="List, print or view the pages of tasks."),
    "rm": Entry(module="rm", help="Delete runs.", of_flow=True),
    "gc": Entry(module="gc", help="Remove what no run refers to, and old runs.", of_flow=True),
    "du": Entry(module="du", help="Show how many bytes are whose.", of_flow=True),
    "graph": Entry(
        module="graph", help="Draw the graph: as text, Mermaid, Graphviz, SVG or JSON.", flow=True
    ),
    "output-dot": Entry(module="output_dot", help="Print the graph for Graphviz.", flow=True),
    "output-raw": Entry(module="output_raw", help="Print the graph as data.", flow=True),
    "demo": Entry(module="demo", help="Run a small flow that comes with Stepwell."),
    "tutorial": Entry(module="tutorial", help="Learn Stepwell in short lessons.", settings=False),
    "new": Entry(module="new", help="Make a project that runs.", settings=False),
    "doctor": Entry(module="doctor", help="Check this machine, or stored results.", of_flow=True),
    "reindex": Entry(module="reindex", help="Make the index of runs and tasks anew."),
    "server": Entry(module="server", help="Serve metadata to a team, over HTTP."),
    "configure": Entry(module="configure", help="Show or change the settings.", settings=False),
    "version": Entry(module="version", help="Print the version.", settings=False),
    "help": Entry(module="help", help="Print help for a command.", settings=False),
    "init": Entry(module="init", help="Entry for schedulers: register a run.", flow=True, hidden=True),
    "step": Entry(module="step", help="Entry for schedulers: run one task.", flow=True, hidden=True),
    "spawned-task": Entry(module="spawned_task", help="Entry for our engine: run one task.", hidden=True),
    "exit-hook": Entry(module="exit_hook", help="Entry for our runs: call an exit hook.", hidden=True),
    "trace-export": Entry(module="trace_export", help="Entry for our runs: send spans.", hidden=True),
    "launcher": Entry(module="launcher", help="Entry for our engine: start tasks.", hidden=True),
}


def needs_settings(name: str | None) -> bool:
    """Whether the command of this name needs what configuration files say; without a name it does."""
    return name is None or name not in COMMANDS or COMMANDS[name].settings


def knows_flow(name: str | None) -> bool:
    """Whether the command of this name may have a flow's source."""
    return name is None or name not in COMMANDS or bool(COMMANDS[name].source)


Build = Callable[[str, Entry], click.Command]


def load_command(entry: Entry, flow_class: object = None) -> click.Command:
    """Import the command's module and build the command."""
    with interrupts_deferred():
        module = import_module(f"stepwell.cli.{entry.module}")
    command: click.Command = module.command(flow_class)
    if not entry.hidden:
        _complete(command, f"STEPWELL_{str(command.name).upper().replace('-', '_')}")
    return command


def _complete(command: click.Command, prefix: str) -> None:
    """Let each option be given by a variable as well, and have ``--help`` say that and the default."""
    for option in command.params:
        if isinstance(option, click.Option):
            if not getattr(option, "has_users_words", False):
                option.help = _sentence(option.help or "")
            if option.envvar is None:
                flag = max(option.opts, key=len).lstrip("-")
                option.envvar = f"{prefix}_{flag.upper().replace('-', '_')}"
                option.show_envvar = True
            if option.default and option.show_default is None:
                option.show_default = True
    inner_commands: Mapping[str, click.Command] = getattr(command, "commands", {})
    for name, inner in inner_commands.items():
        _complete(inner, f"{prefix}_{name.upper()}")


def _sentence(text: str) -> str:
    """Return the text of an option with a full stop, before what stands in brackets behind it."""
    said, bracket, rest = text.partition("  [")
    return f"{said.removesuffix('.')}.{bracket}{rest}" if said else text


HELP_OPTIONS = ["--help", "-h"]


class LazyGroup(click.Group):
    """Shows its commands from the table; ``build`` makes the one that is called.

    ``configs`` are those of a flow, and what help says of them.
    """

    def __init__(self, *, build: Build, configs: Sequence[tuple[str, str]] = (), **options: Any) -> None:
        super().__init__(**options, context_settings={"help_option_names": HELP_OPTIONS})
        self._build = build
        self._configs = configs

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return [name for name, entry in COMMANDS.items() if not entry.hidden]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        entry = COMMANDS.get(cmd_name)
        if entry is not None:
            return self._build(cmd_name, entry)
        from stepwell.cli.offered_commands import offered_command  # looks through what is installed

        return offered_command(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name in COMMANDS or name.startswith("-"):
            return super().resolve_command(ctx, args)
        command = self.get_command(ctx, name)
        if command is None:
            hint = did_you_mean(name, self.list_commands(ctx))
            raise click.UsageError(f"there is no command `{name}`. {hint}".strip(), ctx)
        return name, command, args[1:]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self._configs:
            with formatter.section("Configs"):
                formatter.write_dl(self._configs)
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name].help) for name in self.list_commands(ctx)])
        from stepwell.cli.offered_commands import lines_of_help  # only help looks through what is installed

        lines = lines_of_help()
        if lines:
            with formatter.section("Commands of plugins"):
                formatter.write_dl(lines)
