"""Kinds of back ends: what to say of one that this version does not have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from stepwell.definition.nearest import did_you_mean, listed
from stepwell.exceptions import UsageError
from stepwell.settings.keys import GENERAL_KEYS
from stepwell.settings.settings import Settings, Value

# Kinds of a later version, by setting, and the extra that one will need.
_TO_COME: Mapping[str, Mapping[str, str]] = {
    "DEFAULT_DATASTORE": {"s3": "stepwell[s3]", "azure": "", "gs": ""},
    "DEFAULT_METADATA": {"postgres": "", "service": ""},
    "DEFAULT_ENVIRONMENT": {"conda": "", "pypi": "", "uv": ""},
}
# What addresses of places begin with, and the kinds that they are of.
_SCHEMES: Mapping[str, tuple[str, str]] = {
    "postgresql": ("DEFAULT_METADATA", "postgres"),
    "postgres": ("DEFAULT_METADATA", "postgres"),
    "http": ("DEFAULT_METADATA", "service"),
    "https": ("DEFAULT_METADATA", "service"),
    "service": ("DEFAULT_METADATA", "service"),
    "s3": ("DEFAULT_DATASTORE", "s3"),
    "azure": ("DEFAULT_DATASTORE", "azure"),
    "gs": ("DEFAULT_DATASTORE", "gs"),
}


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
        if value.text not in kinds:
            raise _unavailable(name, value, kinds)


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
