"""Tasks on the terminal, for the debugger: ``--debug STEP`` and ``--pdb``."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from stepwell.exceptions import UsageError
from stepwell.model.policy import RetryPolicy
from stepwell.runtime.options import Attended, RunOptions

if TYPE_CHECKING:
    from stepwell.definition.flow_definition import FlowDefinition

_STEP = re.compile(r"(\w+)(?:\[\s*(\d+(?:\s*,\s*\d+)*)\s*\])?")


def attended_in(text: str) -> Attended:
    """Return the tasks that ``STEP`` or ``STEP[i]`` names.

    Raises
    ------
    UsageError
        The text has another form.
    """
    found = _STEP.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"--debug {text!r} must be STEP, or STEP[3] for the foreach item 3.")
    return Attended(found[1], None if found[2] is None else tuple(map(int, found[2].split(","))))


def with_debugger(options: RunOptions, values: Mapping[str, Any]) -> RunOptions:
    """Return the options with what ``--debug`` and ``--pdb`` add to them.

    Raises
    ------
    UsageError
        They cannot be had together with other options, or there is no terminal.
    """
    debug: str | None = values["debug"]
    if debug is not None:
        _refuse("--debug", values)
        if not hasattr(os, "tcgetpgrp"):
            terminal()
        options = replace(options, attended=attended_in(debug))
    if values["pdb"]:
        _refuse("--pdb", values)
        options = replace(options, terminal=terminal())
    return options


def terminal() -> str:
    """Return the path of the terminal that the command is used on.

    Raises
    ------
    UsageError
        There is none, or another program has it.
    """
    if not hasattr(os, "tcgetpgrp"):
        raise UsageError("--debug and --pdb need a terminal that can be lent, which this system has not.")
    try:
        path = os.ttyname(0) if sys.stdout.isatty() else ""
        is_ours = not path or os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        path, is_ours = "", True
    if not path or not is_ours:
        raise UsageError("--pdb needs a terminal, for what you type and what the debugger says.")
    return path


def debugged(definition: FlowDefinition, attended: Attended | None) -> FlowDefinition:
    """Return the flow as it is debugged: without time limit and retries for what the user talks to."""
    if attended is None:
        return definition
    policy = replace(definition.policies[attended.step], retry=RetryPolicy(), catch=None, timeout_s=0.0)
    return replace(definition, policies={**definition.policies, attended.step: policy})


def _refuse(option: str, values: Mapping[str, Any]) -> None:
    for other in ("detach", "as_json"):
        if values[other]:
            raise UsageError(f"{option} needs the terminal: omit --{other.removeprefix('as_')}.")
