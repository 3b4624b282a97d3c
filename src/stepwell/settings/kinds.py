"""Kinds of back ends: what to say of one that this version does not have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from stepwell.definition.nearest import did_you_mean, listed
from stepwell.exceptions import UsageError
from stepwell.metadata_store.address import is_address, is_well_formed, without_password
from stepwell.settings.keys import GENERAL_KEYS
from stepwell.settings.settings import Settings, Value

# Kinds of a later version, by setting, and the extra that one will need.
_TO_COME: Mapping[str, Mapping[str, str]] = {
    "DEFAULT_DATASTORE": {"s3": "stepwell[s3]", "azure": "", "gs": ""},
    "DEFAULT_ENVIRONMENT": {"conda": "", "pypi": "", "uv": ""},
}
# What addresses of places begin with, and the kinds that they are of.
_SCHEMES: Mapping[str, tuple[str, str]] = {
    "postgresql": ("DEFAULT_METADATA", "postgres"),
    "postgres": ("DEFAULT_METADATA", "postgres"),
    "http": ("DEFAULT_METADATA", "service"),
    "https": ("DEFAULT_METADATA", "service"),
    "s3": ("DEFAULT_DATASTORE", "s3"),
    "azure": ("DEFAULT_DATASTORE", "azure"),
    "gs": ("DEFAULT_DATASTORE", "gs"),
}

_INDEX_KINDS: Mapping[str, str] = {"postgres": "POSTGRES_URL", "service": "SERVICE_URL"}
"""Kinds of metadata that do not lie beside the results, and the settings that say where they are."""

_COMMANDS: Mapping[str, str] = {"postgres": "postgres", "service": "server"}
"""Commands that configure them."""


def _unavailable(setting: str, value: Value, kinds: Sequence[str]) -> UsageError:
    """Return the error for a setting whose value is none of the kinds that there are."""
    what = setting.removeprefix("DEFAULT_").lower().replace("_", " ")
    words = (
        f"There is no {what} of the kind `{value.text}` ({value.origin}) in this version.",
        _to_come(setting, value.text) or did_you_mean(value.text, kinds),
        f"Available: {listed(kinds)}.",
        f"The setting is {setting}; `stepwell configure show --origin` prints where settings come from.",
    )
    return UsageError(" ".join(filter(None, words)))


def check_stores(settings: Settings) -> None:
    """Raise `UsageError` if the settings ask for a kind of store that this version does not have."""
    check_kinds(settings, ("DEFAULT_DATASTORE", "DEFAULT_METADATA"))


def check_kinds(settings: Settings, names: Iterable[str]) -> None:
    """Raise `UsageError` if one of these settings asks for a kind that this version does not have."""
    for name in names:
        value, kinds = settings.value(name), GENERAL_KEYS[name].kinds
        if name == "DEFAULT_METADATA" and is_address(value.text):
            check_index_address(value)
        elif value.text not in kinds:
            raise _unavailable(name, value, kinds)


def is_index_address(text: str) -> bool:
    """Whether the text is an address of an index of a kind that this version has."""
    return is_address(text) and _SCHEMES.get(text.partition("://")[0], ("", ""))[1] in _INDEX_KINDS


def check_index_address(value: Value) -> None:
    """Raise `UsageError` if the value is no address of an index."""
    scheme, mark, _ = value.text.partition("://")
    if mark and scheme in _SCHEMES and not is_index_address(value.text):
        raise unavailable_place(scheme, mark)
    if not (is_index_address(value.text) and is_well_formed(value.text)):
        shown = without_password(value.text) if mark else "which has no `://`,"
        raise UsageError(
            f"The address of the index, {shown} ({value.origin}), cannot be understood. That of a database "
            "is written postgresql://USER:PASSWORD@HOST:PORT/DATABASE; in names and passwords write `@` as "
            "%40, `/` as %2F, `:` as %3A, `#` as %23 and `?` as %3F. That of a server is https://HOST:PORT."
        )


def index_of(settings: Settings) -> str:
    """Return the address of the index; empty if it lies beside the results.

    Raises
    ------
    UsageError
        The settings ask for a kind that this version does not have, or do not say where the index is.
    """
    check_stores(settings)
    value = settings.value("DEFAULT_METADATA")
    if value.text == "local" or is_address(value.text):
        return value.text if is_address(value.text) else ""
    name = _INDEX_KINDS[value.text]
    given = settings.value(name)
    if not given.text:
        raise UsageError(
            f"The metadata is of the kind `{value.text}` ({value.origin}), and nothing says where. Set "
            f"STEPWELL_{name}, or call `stepwell configure {_COMMANDS[value.text]}`."
        )
    check_index_address(given)
    return given.text


def unavailable_place(scheme: str, mark: str) -> UsageError:
    """Return the error for an address that is no directory.

    Of the address only its beginning is told, up to the mark that makes it one: it may hold a password.
    """
    setting, kind = _SCHEMES.get(scheme, ("", ""))
    shown = f"`{scheme}{mark}...`"
    if not setting:
        return UsageError(f"{shown} is no place of results. Give a directory, or `local@DIRECTORY`.")
    what = "datastore" if setting == "DEFAULT_DATASTORE" else "metadata store"
    return UsageError(
        f"{shown} asks for a {what} of the kind `{kind}`, which this version does not have. "
        f"{_to_come(setting, kind)} Give a directory, or `local@DIRECTORY`; without one, the place is what "
        "`stepwell configure show --origin` prints."
    )


def _to_come(setting: str, kind: str) -> str:
    extra = _TO_COME.get(setting, {}).get(kind)
    if extra is None:
        return ""
    return f"A later one has it, with the extra `{extra}`." if extra else "A later one has it."
