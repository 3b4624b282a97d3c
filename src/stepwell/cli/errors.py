"""From an exception to words and an exit code."""

from __future__ import annotations

import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

from stepwell.cli.console import Console
from stepwell.cli.exit_code import ExitCode
from stepwell.cli.lazy_group import COMMANDS
from stepwell.exceptions import CommandException, GraphError, StepwellException, StepwellInternalError
from stepwell.metadata_store.address import without_passwords
from stepwell.settings.settings import nearest
from stepwell.version import VERSION


def run_and_exit(command: click.Command, args: Sequence[str], program: str) -> NoReturn:
    """Carry out a command line and leave the program."""
    code = run_command(command, args, program)
    if threading.current_thread() is threading.main_thread():
        # All is done and said: an interrupt while the interpreter ends could only falsify the exit code.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise SystemExit(code)


def run_command(command: click.Command, args: Sequence[str], program: str) -> int:
    """Carry out a command line; return the exit code. No exception leaves this function."""
    console = Console()
    try:
        result = command.main(list(args), prog_name=program, standalone_mode=False)
        code = int(result) if isinstance(result, int) else ExitCode.DONE
    except BrokenPipeError:
        code = ExitCode.DONE
    except (KeyboardInterrupt, click.Abort):
        console.talk("interrupted")
        code = ExitCode.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the outermost frame: whatever comes becomes words and a code
        code = explain(error, console, args, program)
    if not console.finish() and code == ExitCode.DONE:
        code = ExitCode.WRONG
    return code


def explain(error: Exception, console: Console, args: Sequence[str], program: str) -> ExitCode:
    """Say what went wrong and return the exit code for it."""
    if isinstance(error, click.ClickException):
        console.talk(_usage(error, args, program))
        return ExitCode.WRONG
    if isinstance(error, GraphError):
        console.talk(f"{error.headline}:")
        from stepwell.cli.problem_text import problem_lines  # only a mistake pays for it

        for problem in error.problems:
            console.talk("\n".join(f"  {line}" for line in problem_lines(problem)))
        return ExitCode.WRONG
    if isinstance(error, StepwellException) and not isinstance(error, StepwellInternalError):
        headline = "The command failed" if isinstance(error, CommandException) else error.headline
        console.talk(f"{headline}: {error}")
        return ExitCode.WRONG
    hidden = _hidden_modules()
    if hidden:
        console.talk(
            "\n".join(f"{file} hides Python's own module of that name. Rename it." for file in hidden)
        )
        return ExitCode.WRONG
    for line in _internal(error, args):
        console.talk(line)
    return ExitCode.FAILED


def _usage(error: click.ClickException, args: Sequence[str], program: str) -> str:
    from stepwell.cli.usage_words import usage_words  # only a mistake pays for it

    text = f"Wrong usage: {usage_words(error)}"
    context = getattr(error, "ctx", None)
    if isinstance(context, click.Context):
        return f"{text}\nSee `{context.command_path} --help`."
    command = next((word for word in args if word in COMMANDS), "")
    return f"{text}\nSee `{' '.join(filter(None, (program, command)))} --help`."


def _hidden_modules() -> list[str]:
    """Return files beside the script that were imported in place of modules of the standard library."""
    files = (getattr(sys.modules.get(name), "__file__", None) for name in sorted(sys.stdlib_module_names))
    return [file for file in files if file and sys.path[0] in ("", str(Path(file).parent))]


def _internal(error: Exception, args: Sequence[str]) -> list[str]:
    args = [without_passwords(word) for word in args]
    text = without_passwords("".join(traceback.format_exception(error)))
    report = f"Stepwell {VERSION}, Python {sys.version}\narguments: {list(args)}\n\n{text}"
    return [
        f"Internal error of Stepwell: {type(error).__name__}: {error}",
        f"  while it carried out: {' '.join(args) or '(no command)'}",
        f"  {_saved(report)}",
        "  This is a mistake of Stepwell. Please report it to its maintainers, with that text.",
    ]


def _saved(report: str) -> str:
    import tempfile  # 8 ms that only a mistake of ours pays

    try:
        place = nearest(Path.cwd())
    except OSError:
        place = None  # the working directory is gone
    for folder in ((place / "errors",) if place else ()) + (Path(tempfile.gettempdir()),):
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            with tempfile.NamedTemporaryFile(
                "wb", dir=folder, prefix="stepwell-error-", suffix=".txt", delete=False
            ) as file:
                file.write(report.encode(errors="backslashreplace"))
        except OSError:
            continue  # read-only or full: the next place, and at last the report itself
        return f"The full traceback was saved in {file.name}."
    return f"The full traceback could not be saved; it is:\n{report}"
