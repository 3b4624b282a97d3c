"""Options that all commands which run a flow have, and what they say of the run."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import click

_COUNT = click.IntRange(min=1)
_SECONDS = click.FloatRange(min=0)
_FILE = click.Path(dir_okay=False, path_type=Path)


RERUN_CHANGED = "rerun-changed"
RERUN_HELP = "Execute steps again whose code or parameters have changed, and all that depends on them."


_TRACE_HELP = "Print every event of the run as JSON, or write them to a file: --trace=FILE."
_TRACE: dict[str, Any] = {"is_flag": False, "flag_value": "-", "metavar": "[FILE]"}


class _Naming:
    """Names options. A parameter whose name is ``taken`` wins; the option is then ``--stepwell-<name>``."""

    def __init__(self, taken: Collection[str]) -> None:
        self._taken = taken

    def __call__(self, name: str, help: str, dest: str | None = None, **more: Any) -> click.Option:
        flag = f"--stepwell-{name}" if name in self._taken else f"--{name}"
        return click.Option([dest or name.replace("-", "_"), flag], help=help, **more)


def trace_option(taken: Collection[str] = ()) -> click.Option:
    """Return the option for a command that runs no whole flow; ``taken`` are the names of its parameters."""
    return _Naming(taken)("trace", _TRACE_HELP, **_TRACE)


def own_options(taken: Collection[str] = ()) -> list[click.Option]:
    """Return fresh options; ``taken`` are the names of the flow's parameters."""
    option = _Naming(taken)
    return [*_of_the_run(option), *_of_failures(option), *_of_debugging(option), *_of_the_view(option)]


def _of_the_run(option: _Naming) -> list[click.Option]:
    size = click.FloatRange(min=0, min_open=True)
    isolations = click.Choice(["fork", "spawn", "inline"])
    return [
        option("tag", "Tag the run; may be repeated.", "tags", multiple=True, metavar="TAG"),
        option("max-workers", "Most tasks at once  [default: number of usable cores]", type=_COUNT),
        option("max-num-splits", "Most items of a foreach  [default: unlimited]", type=_COUNT),
        option(
            "max-log-size",
            "Most MB kept of each stream of an attempt.",
            type=size,
            default=10.0,
            show_default=True,
        ),
        option("with", "Add a decorator to every step.", "with_specs", multiple=True, metavar="SPEC"),
        option(
            "cache", "Take results of equal tasks, as if each step had @cache.", "use_cache", is_flag=True
        ),
        option("no-cache", "Ignore every @cache.", "no_cache", is_flag=True),
        option("refresh-cache", "Compute cached steps anew, and keep it.", "refresh_cache", is_flag=True),
        option("run-id-file", "Write the run's id to this file before any task starts.", type=_FILE),
        option("runner-attribute-file", "Write run_id, flow_name and metadata as JSON.", type=_FILE),
        option("namespace", "The client's namespace inside tasks; empty is global.", metavar="NAMESPACE"),
        option("isolation", "How tasks are set apart  [default: fork where it is safe]", type=isolations),
        option("until", "Stop after this step; `continue` goes on.", metavar="STEP"),
    ]


def _of_failures(option: _Naming) -> list[click.Option]:
    return [
        option("keep-going", "After a failure, run all that does not depend on it.", is_flag=True),
        option(
            "drain",
            "Seconds that running tasks get after a failure.",
            type=_SECONDS,
            default=30.0,
            show_default=True,
        ),
        option(
            "kill-grace",
            "Seconds between asking a task to end and killing it.",
            type=_SECONDS,
            default=10.0,
            show_default=True,
        ),
    ]


def _of_debugging(option: _Naming) -> list[click.Option]:
    return [
        option("debug", "Run the tasks of this step on the terminal, for the debugger.", metavar="STEP[i]"),
        option("pdb", "Open the debugger in a task that fails.", is_flag=True),
    ]


def _of_the_view(option: _Naming) -> list[click.Option]:
    return [
        option("detach", "Print the run's id and leave the run to the background.", is_flag=True),
        option("dry-run", "Print what would be done, and do none of it.", is_flag=True),
        option("json", "Print events, or the plan, as JSON in place of the text.", "as_json", is_flag=True),
        option("trace", _TRACE_HELP, **_TRACE),
        option("verbose", "Print the start and end of every task of a wide step.", is_flag=True),
        option("show-logs", "Steps whose output is shown, or none  [default: all]", metavar="STEP,...|none"),
        option("full-traceback", "Show all frames of a failure.", is_flag=True),
    ]
