"""The setting ``RETENTION``: a JSON object of rules."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from stepwell.exceptions import UsageError
from stepwell.model.age import age_in_s
from stepwell.settings.settings import Settings
from stepwell.upkeep.retention import DropRule, Retention, Rules

NAME = "RETENTION"


class _Written(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules as they are written."""

    keep_last: int | None = None
    keep_days: float | None = None
    keep_successful: bool = False
    keep_tags: tuple[str, ...] = ()
    flows: dict[str, Rules] = {}
    drop_artifacts: dict[str, str] = {}


def retention_of(settings: Settings) -> Retention:
    """Return the rules that are set; none keep everything.

    Raises
    ------
    UsageError
        They cannot be read.
    """
    value = settings.value(NAME)
    return parse_retention(value.text, value.origin) if value.text.strip() else Retention()


def parse_retention(text: str, origin: str) -> Retention:
    """Return the rules that a text holds.

    Raises
    ------
    UsageError
        It is no JSON object of rules.
    """
    try:
        written = msgspec.json.decode(text, type=_Written)
    except msgspec.MsgspecError as error:
        raise UsageError(
            f"{NAME} (from {origin}) must be a JSON object of rules such as "
            f'{{"keep_last": 5, "drop_artifacts": {{"fit/model": "30d"}}}}: {error}.'
        ) from error
    general = Rules(
        keep_last=written.keep_last,
        keep_days=written.keep_days,
        keep_successful=written.keep_successful,
        keep_tags=written.keep_tags,
    )
    for rules in (general, *written.flows.values()):
        if (rules.keep_last or 0) < 0 or (rules.keep_days or 0) < 0:
            raise UsageError(f"{NAME} (from {origin}): keep_last and keep_days are not negative.")
    drops = tuple(drop_rule(artifact, age) for artifact, age in written.drop_artifacts.items())
    return Retention(general=general, flows=written.flows, drops=drops)


def drop_rule(artifact: str, age: str) -> DropRule:
    """Return the rule that drops an artifact at an age.

    Raises
    ------
    UsageError
        One of the two is not what it must be.
    """
    parts = artifact.split("/")
    if len(parts) not in (2, 3) or not all(parts):
        raise UsageError(f"An artifact to drop is STEP/NAME or FLOW/STEP/NAME, and not {artifact!r}.")
    return DropRule(artifact, age_of(age, f"The age of {artifact}"), f"{artifact} older than {age.strip()}")


def age_of(text: str, what: str) -> float:
    """Return the seconds of an age that a user has written.

    Raises
    ------
    UsageError
        It is none.
    """
    found = age_in_s(text)
    if found is None:
        raise UsageError(f"{what} is an age such as 90s, 30m, 12h, 30d or 2w, and not {text!r}.")
    return found
