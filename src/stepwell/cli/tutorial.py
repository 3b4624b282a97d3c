"""``tutorial``: lessons that come with Stepwell, to read, copy, run and change."""

from __future__ import annotations

from pathlib import Path

import click

from stepwell.cli.context import current_context
from stepwell.cli.folders import make_folder, texts_of
from stepwell.cli.subcommands import Subcommands
from stepwell.definition.nearest import did_you_mean, listed
from stepwell.exceptions import UsageError

_LESSONS = Path(__file__).with_name("lessons")
_FOLDER = "stepwell-tutorial"


def command(_flow_class: object) -> click.Command:
    """Build the command and its subcommands."""
    place = click.Option(
        ["--dir", "folder"], default=_FOLDER, metavar="FOLDER", help="Where the lessons are copied to."
    )
    some = click.Argument(["lessons"], nargs=-1, metavar="[LESSON]...")
    one = click.Argument(["lesson"], metavar="LESSON")
    return Subcommands(
        "tutorial",
        [
            click.Command("list", callback=list_lessons, help="Print the lessons."),
            click.Command("info", params=[one], callback=info, help="Print the text of a lesson."),
            click.Command(
                "pull",
                params=[some, place],
                callback=pull,
                help="Copy lessons, or all, to run and change them.",
            ),
        ],
        "Learn Stepwell in short lessons. LESSON is a number or a name, as `list` has them.",
    )


def list_lessons() -> None:
    """Print name and summary of each lesson."""
    found = all_lessons()
    width = max(map(len, found))
    for name, folder in found.items():
        # A lesson's text has its heading, and the summary after it.
        summary = (folder / "README.md").read_text(encoding="utf-8").splitlines()[2]
        current_context().console.data(f"{name:<{width}}  {summary}")


def info(lesson: str) -> None:
    """Print a lesson's text."""
    text = (_LESSONS / _named(lesson) / "README.md").read_text(encoding="utf-8")
    current_context().console.data(*text.splitlines())


def pull(lessons: tuple[str, ...], folder: str) -> None:
    """Copy the lessons; those that are there already stay as they are, and nothing is copied then."""
    names = [_named(lesson) for lesson in lessons] or list(all_lessons())
    target = Path(folder)
    there = [name for name in names if (target / name).exists()]
    if there:
        raise UsageError(
            f"{folder} has {listed(there)} already, and nothing was copied. Choose another place with --dir."
        )
    for name in names:
        make_folder(target / name, texts_of(_LESSONS / name))
    console = current_context().console
    console.talk(f"Copied {listed(names)}. Next:")
    console.talk(f"  cd {folder}\n  stepwell tutorial info {names[0]}")


def all_lessons() -> dict[str, Path]:
    """Return the folder of each lesson, in order."""
    return {
        path.name: path for path in sorted(_LESSONS.iterdir()) if path.is_dir() and path.name[0].isdigit()
    }


def _named(lesson: str) -> str:
    """Return the lesson that is meant by its number, its name, or both."""
    for name in all_lessons():
        if lesson in (name, *name.split("-", 1)):
            return name
    hint = did_you_mean(lesson, [name.split("-", 1)[1] for name in all_lessons()])
    known = f"There are: {listed(all_lessons())}."
    raise UsageError(" ".join(filter(None, (f"There is no lesson `{lesson}`.", hint, known))))
