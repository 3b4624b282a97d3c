"""Settings that take one of a few values."""

from __future__ import annotations

from stepwell.definition.nearest import did_you_mean, listed
from stepwell.exceptions import UsageError
from stepwell.settings.keys import GENERAL_KEYS
from stepwell.settings.settings import Settings


def chosen(settings: Settings, name: str) -> str:
    """Return the value of a setting of the form ``kind``.

    Raises
    ------
    UsageError
        It is none of those that there are.
    """
    value, kinds = settings.value(name), GENERAL_KEYS[name].kinds
    if value.text in kinds:
        return value.text
    rule = f"STEPWELL_{name} must be one of {listed(kinds)}. It is {value.text!r} (from {value.origin})."
    raise UsageError(f"{rule} {did_you_mean(value.text, kinds)}".strip())
