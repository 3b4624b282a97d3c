"""``new NAME``: a small project that runs."""

from __future__ import annotations

import re
from pathlib import Path

import click

from stepwell.cli.context import current_context
from stepwell.cli.folders import make_folder, texts_of
from stepwell.exceptions import UsageError
from stepwell.version import VERSION

_FOLDER = Path(__file__).with_name("templates")
_TEMPLATES = ("minimal", "foreach")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_][A-Za-z0-9]+)*")
_LONGEST_NAME = 60

# Words of the templates that the project's own take the place of.
_NAME_THERE, _CLASS_THERE = "project-name", "ProjectFlow"


def command(_flow_class: object) -> click.Command:
    """Build the command."""
    return click.Command(
        "new",
        params=[
            click.Argument(["name"], metavar="NAME"),
            click.Option(
                ["--template"],
                type=click.Choice(_TEMPLATES),
                default="minimal",
                help="What the flow does: two steps, or a table worked on by group.",
            ),
        ],
        callback=new,
        help="Make a project in a folder of this name: a flow that runs, a test of it, and how to use them.",
    )


def new(name: str, template: str) -> None:
    """Write the project, and say what to do with it."""
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise UsageError(
            f"{name!r} is no name for a project. It has letters and digits, single `-` or `_` between them, "
            f"begins with a letter, and is at most {_LONGEST_NAME} long, such as `movie-stats`."
        )
    texts = {
        file: text.replace(_NAME_THERE, name).replace(_CLASS_THERE, class_name(name))
        for file, text in texts_of(_FOLDER / template).items()
    }
    texts["requirements.txt"] = f"stepwell>={VERSION}\npytest\n"
    texts[".gitignore"] = ".stepwell/\n__pycache__/\n.pytest_cache/\n"
    make_folder(Path(name), texts)
    console = current_context().console
    console.talk(f"Made {name}/ with {', '.join(sorted(texts))}. Next:")
    for line in (f"cd {name}", "python flow.py run", "python -m pytest"):
        console.talk(f"  {line}")


def class_name(name: str) -> str:
    """Return the name of a project's flow: ``MovieStatsFlow`` for ``movie-stats``."""
    words = re.split("[-_]", name)
    if len(words) > 1 and words[-1].lower() == "flow":
        words.pop()
    return "".join(word[0].upper() + word[1:] for word in words) + "Flow"
