"""``check``: is the flow valid?"""

from __future__ import annotations

from collections.abc import Sequence

import click
import msgspec

from stepwell.cli.context import CliContext, current_context
from stepwell.cli.exit_code import ExitCode
from stepwell.cli.problem_text import problem_lines
from stepwell.cli.wording import counted
from stepwell.definition.extended_checks import all_problems
from stepwell.definition.place import split_place
from stepwell.definition.warnings import warnings_of
from stepwell.exceptions import GraphError, Problem


def command(_flow_class: object) -> click.Command:
    """Build the command."""
    return click.Command(
        "check",
        params=[
            click.Option(["--warnings"], is_flag=True, help="Show warnings as well."),
            click.Option(["--strict"], is_flag=True, help="Take warnings for errors."),
            click.Option(["--json", "as_json"], is_flag=True, help="Print the result as JSON."),
        ],
        callback=check,
        help="Check graph, decorators and parameters without running a step.",
    )


def check(warnings: bool = False, strict: bool = False, as_json: bool = False) -> ExitCode:
    """Say whether the flow is valid; the exit code says the same."""
    context = current_context()
    steps, problems = _found(context)
    if not (warnings or strict or as_json):
        problems = [problem for problem in problems if problem.severity == "error"]
    is_wrong = not steps or any(problem.severity == "error" for problem in problems)
    failed = is_wrong or (strict and bool(problems))
    if as_json:
        _print_json(context, problems, valid=not failed)
    elif is_wrong:
        raise GraphError(problems)
    else:
        _print(context, problems, steps, failed)
    return ExitCode.WRONG if failed else ExitCode.DONE


def _found(context: CliContext) -> tuple[int, list[Problem]]:
    """Return the number of steps, 0 if there is no valid graph of them, and all problems."""
    assert context.flow_class is not None, "only commands of a flow check one"
    try:
        definition = context.define(look_into_steps=False)
    except GraphError as error:
        problems = list(error.problems)
        return 0, all_problems(problems, context.flow_class) if context.extended_checks else problems
    return len(definition.graph), warnings_of(definition) if context.extended_checks else []


def _print(context: CliContext, problems: Sequence[Problem], steps: int, failed: bool) -> None:
    assert context.flow_class is not None, "only commands of a flow check one"
    for problem in problems:
        context.console.talk("\n".join(problem_lines(problem)))
    verdict = "has warnings, which --strict takes for errors" if failed else "is valid"
    context.console.talk(f"{context.flow_class.__name__}: flow {verdict} ({counted(steps, 'step')})")


def _print_json(context: CliContext, problems: Sequence[Problem], valid: bool) -> None:
    assert context.flow_class is not None, "only commands of a flow check one"
    listed = [
        {
            "rule": problem.rule,
            "severity": problem.severity,
            "file": split_place(problem.where)[0],
            "line": split_place(problem.where)[1],
            "step": problem.step,
            "message": problem.what,
            "hint": problem.fix,
        }
        for problem in problems
    ]
    found = {"valid": valid, "flow": context.flow_class.__name__, "problems": listed}
    context.console.data(msgspec.json.encode(found).decode())
