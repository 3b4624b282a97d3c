"""What ``configure`` does to a configuration file. Everything is tried out first, and written at once."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import click
from click.core import ParameterSource

from stepwell.cli.context import CliContext, current_context
from stepwell.cli.terminal_text import visible
from stepwell.cli.value_checks import tried
from stepwell.exceptions import UsageError
from stepwell.metadata_store.address import has_password, without_passwords
from stepwell.settings import configuration_file as files
from stepwell.settings.keys import (
    GENERAL_KEYS,
    OPTION_FAMILIES,
    OPTION_VARIABLES,
    Key,
    is_known,
    is_secret,
    nearest_key,
)
from stepwell.settings.settings import Value
from stepwell.settings.sources import load_settings, unknown


def set_values(words: tuple[str, ...], profile: str | None) -> None:
    """Give one setting a value, or ask for all of them."""
    path = files.file_of(profile or "")
    content = files.read(path)
    if not words:
        given, gone = _asked_for(content)
        keep(path, files.changed(content, given, gone))
        return
    name = _settable(words[0])
    text = " ".join(words[1:]) if len(words) > 1 else _one_value(name)
    found = tried(name, text)
    keep(path, files.changed(content, {name: text}), [_told(name, text, found)])
    tell_who_wins(name, path, profile)


def unset(words: tuple[str, ...], profile: str | None) -> None:
    """Remove settings from the file."""
    context = current_context()
    path = files.file_of(profile or "")
    content = files.read(path)
    there = {files.bare(name) for name in content}
    names = [files.bare(word) for word in words]
    for name in names:
        if name not in there and not is_known(name):
            raise UsageError(_no_setting(name))
    gone = frozenset(names) & there
    if gone:
        files.write(path, files.changed(content, {}, gone))
    for name in names:
        context.console.talk(f"{name} {'is removed from' if name in gone else 'was not set in'} {path}.")


def reset(yes: bool, profile: str | None) -> None:
    """Remove the file."""
    context = current_context()
    path = files.file_of(profile or "")
    if not path.exists():
        context.console.talk(f"There is nothing to reset: {path} does not exist.")
        return
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(f"`configure reset` removes {path} for good. Say so with --yes.")
        click.confirm(f"Remove {visible(str(path))} for good?", abort=True, err=True)
    try:
        path.unlink()
    except OSError as error:
        raise UsageError(f"The configuration file {path} cannot be removed: {error.strerror}.") from error
    context.console.talk(f"{path} is removed.")


def export_to(file: str | None, with_secrets: bool, overwrite: bool, profile: str | None) -> None:
    """Write what is set in the file, with bare names."""
    context = current_context()
    content = {files.bare(name): value for name, value in files.read(files.file_of(profile or "")).items()}
    hidden = [] if with_secrets else sorted(name for name in content if _is_secret(name, content[name]))
    shown = {name: value for name, value in content.items() if name not in hidden}
    if file is None or file == "-":
        if with_secrets:
            raise UsageError("Secrets are not printed. Name a file: `configure export --with-secrets FILE`.")
        context.console.data(*files.encoded(shown).decode().splitlines())
    else:
        target = Path(file)
        if target.exists() and not overwrite:
            raise UsageError(f"{file} is there already. Choose another name, or say --overwrite.")
        files.write(target, shown)
        context.console.talk(f"{len(shown)} settings are written to {file}.")
    if hidden:
        context.console.talk(f"Left out as secret: {', '.join(hidden)} (--with-secrets).")


def import_from(file: str, profile: str | None) -> None:
    """Set all that another file has; either all of it or, if a value does not work, nothing."""
    context = current_context()
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from error
    given = {files.bare(name): value for name, value in files.parse(data, file).items()}
    for name in filter(is_known, given):
        _settable(name)
    found = {name: tried(name, files.as_text(value)) for name, value in given.items()}
    path = files.file_of(profile or "")
    told = [_told(name, files.as_text(value), found[name]) for name, value in given.items()]
    keep(path, files.changed(files.read(path), given), told)
    for name in given:
        if not is_known(name):
            context.console.talk(f"Warning: {unknown(name, file)}")


def _is_secret(name: str, value: object) -> bool:
    return is_secret(name) or has_password(files.as_text(value))


def _settable(word: str) -> str:
    name = files.bare(word)
    if name in OPTION_VARIABLES or name.startswith(OPTION_FAMILIES):
        raise UsageError(
            f"STEPWELL_{name} is an option of commands: it holds on the command line and in the environment, "
            "not in a file."
        )
    if not is_known(name):
        raise UsageError(_no_setting(name))
    key = GENERAL_KEYS.get(name)
    if key is not None and not key.in_files:
        raise UsageError(f"{name} says where the file is, so no file can say it. Set STEPWELL_{name}.")
    return name


def _no_setting(name: str) -> str:
    near = nearest_key(name)
    hint = f" Did you mean `{near}`?" if near else ""
    return f"There is no setting `{name}`.{hint} `stepwell configure show` lists them."


def _one_value(name: str) -> str:
    """Ask on a terminal, without showing what is typed if it is a secret; else read standard input."""
    if sys.stdin.isatty():
        return str(click.prompt(name, hide_input=is_secret(name), err=True))
    text = sys.stdin.read().strip()
    if not text:
        raise UsageError(f"Which value? `configure set {name} VALUE`, or the value on standard input.")
    return text


def _asked_for(content: Mapping[str, object]) -> tuple[dict[str, object], frozenset[str]]:
    """Go through the settings that matter; return those that were given, and those to remove."""
    context = current_context()
    if not sys.stdin.isatty():
        raise UsageError("Which setting? `configure set NAME VALUE`; on a terminal all are asked for.")
    context.console.talk("Enter keeps what is set, - removes it, Ctrl-C leaves everything as it was.")
    known = {files.bare(name): files.as_text(value) for name, value in content.items()}
    given: dict[str, object] = {}
    gone: set[str] = set()
    for key in _worth_asking():
        text = _answer(context, key, known.get(key.name, ""))
        if text == "-":
            gone.add(key.name)
        elif text:
            given[key.name] = text
    return given, frozenset(gone)


def _worth_asking() -> Iterator[Key]:
    for key in GENERAL_KEYS.values():
        if key.in_files and not key.later and len(key.kinds) != 1:
            yield key


def _answer(context: CliContext, key: Key, known: str) -> str:
    """Ask until the answer works; return the text, empty if everything stays."""
    secret = is_secret(key.name)
    shown = "set, not shown" if secret and known else visible(without_passwords(known))
    shown = shown or (f"default: {key.default}" if key.default else "not set")
    while True:
        words = f"{key.name}: {key.help} [{shown}]"
        asked = click.prompt(words, default="", show_default=False, hide_input=secret, err=True)
        text = str(asked).strip()
        if text in ("", "-"):
            return text
        try:
            found = tried(key.name, text)
        except UsageError as error:
            context.console.talk(f"  {error}")
            continue
        if found:
            context.console.talk(f"  {found}")
        return text


def keep(path: Path, content: Mapping[str, object], told: Iterable[str] = ()) -> None:
    """Write the file, and say what is in it now."""
    files.write(path, content)
    console = current_context().console
    for line in told:
        console.talk(line)
    console.talk(f"Kept in {path}.")


def _told(name: str, text: str, found: str) -> str:
    value = "is set" if is_secret(name) else f"= {without_passwords(text)}"
    return f"{name} {value}{f': {found}' if found else ''}"


def tell_who_wins(name: str, path: Path, profile: str | None) -> None:
    """Say so if what is set in the file does not hold here and now."""
    origin = load_settings(choice_of(profile)).value(name).origin
    if origin != str(path):
        current_context().console.talk(f"Another value of {name} wins over it here: {origin}.")


def choice_of(profile: str | None) -> dict[str, Value]:
    """Return what ``--profile``, or the variable in its place, does to the settings."""
    if not profile:
        return {}
    by_variable = click.get_current_context().get_parameter_source("profile") is ParameterSource.ENVIRONMENT
    return {
        "PROFILE": Value(profile, "environment variable STEPWELL_PROFILE" if by_variable else "--profile")
    }
