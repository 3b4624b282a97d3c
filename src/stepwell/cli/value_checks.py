"""What ``configure`` tries out before it keeps a setting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import msgspec

from stepwell.definition.nearest import did_you_mean, listed
from stepwell.exceptions import StepwellException, UsageError
from stepwell.metadata_store.address import without_passwords
from stepwell.settings.keys import GENERAL_KEYS, Form, Key
from stepwell.settings.kinds import check_index_address, is_index_address
from stepwell.settings.settings import DATASTORE_NAME, Value
from stepwell.settings.sources import load_settings

_PATIENCE_S = 10.0
"""How long a database that is tried out may be busy."""


def tried(name: str, text: str) -> str:
    """Return in words what came of trying the value; empty where there is nothing to try.

    Raises
    ------
    UsageError
        The value cannot work, here and now.
    """
    key = GENERAL_KEYS.get(name)
    if key is None:
        return ""
    if not text.strip():
        raise UsageError(f"{name} would be empty. `stepwell configure unset {name}` removes it.")
    try:
        found = _TRIALS[key.form](key, text)
    except UsageError:
        raise
    except StepwellException as error:
        raise UsageError(f"{name} cannot be {without_passwords(text)!r}: {error}") from error
    return f"{found}; this version does not use it yet".removeprefix("; ") if key.later else found


def _text(_key: Key, _text: str) -> str:
    return ""


def _kind(key: Key, text: str) -> str:
    if key.name == "DEFAULT_METADATA" and is_index_address(text):
        return _address(key, text) if text.startswith("http") else _database(key, text)
    if text not in key.kinds:
        raise _wrong(key, text, f"{did_you_mean(text, key.kinds)} Available: {listed(key.kinds)}.".strip())
    return ""


def _directory(key: Key, text: str) -> str:
    from stepwell.cli.doctor_checks import datastore_findings  # looks at disks, clocks and packages

    folder = Path(text).expanduser()
    place = folder / DATASTORE_NAME if key.name == "DATASTORE_SYSROOT_LOCAL" else folder
    found = list(datastore_findings(place.absolute()))
    for finding in found:
        if finding.severity == "fatal":
            raise _wrong(key, text, f"{finding.text}. Choose another place, or mend this one first.")
    notes = [finding.text for finding in found if finding.check == "datastore" or finding.severity != "ok"]
    if not folder.is_absolute():
        notes.append("it is looked for in the directory that a command is started in")
    return "; ".join(notes)


def _number(key: Key, text: str) -> str:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise _wrong(key, text, "It must be a number that is not negative.")
    return ""


def _true_or_false(key: Key, text: str) -> str:
    if text.lower() not in ("true", "false", "1", "0"):
        raise _wrong(key, text, "It must be `true` or `false`.")
    return ""


def _decorators(_key: Key, text: str) -> str:
    from stepwell.definition.attach import parse_spec, step_decorator  # for this setting only

    names: list[str] = []
    for spec in text.split():
        name, attributes = parse_spec(spec)
        names.append(name)
        if "." not in name:  # else it is the user's, and may be found where flows are run only
            step_decorator(name, attributes)
    return f"every step gets {listed(names)}"


def _suffixes(key: Key, text: str) -> str:
    for suffix in text.split(","):
        if not suffix.strip().startswith("."):
            raise _wrong(key, text, f"{suffix!r} is no suffix; write suffixes as `.py,.sql`.")
    return ""


def _object(key: Key, text: str) -> str:
    try:
        msgspec.json.decode(text, type=dict[str, str])
    except msgspec.MsgspecError as error:
        raise UsageError(f"{key.name} must be a JSON object of texts: {error}.") from error
    return ""


def _retention(_key: Key, text: str) -> str:
    from stepwell.settings.retention import parse_retention  # for this setting only

    parse_retention(text, "what is given")
    return ""


def _address(key: Key, text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise _wrong(key, text, "It must be an address that begins with `https://` or `http://`.")
    return ""


def _database(key: Key, text: str) -> str:
    check_index_address(Value(text, key.name))
    from stepwell.wiring.indexes import index_at  # loads what talks to databases

    with closing(index_at(text, load_settings(), _PATIENCE_S, make=True)) as index:
        return f"there are {len(index.flows())} flows in {index.location}"


def _wrong(key: Key, text: str, rule: str) -> UsageError:
    return UsageError(f"{key.name} cannot be {without_passwords(text)!r}. {rule}")


_TRIALS: Mapping[Form, Callable[[Key, str], str]] = {
    "text": _text,
    "kind": _kind,
    "directory": _directory,
    "number": _number,
    "true or false": _true_or_false,
    "decorators": _decorators,
    "suffixes": _suffixes,
    "object": _object,
    "address": _address,
    "database": _database,
    "retention": _retention,
}
