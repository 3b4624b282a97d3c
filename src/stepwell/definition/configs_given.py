"""What is given for the configs of a flow, before anything of it is read."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field


class ConfigsGiven(Struct, frozen=True, kw_only=True):
    """What was given for configs, by their names.

    Attributes
    ----------
    paths
        Files to read.
    values
        Texts, or values as a program has them.
    stored
        By attribute, what a run has stored that is gone on with: nothing is read for these.
    origins
        In words, where paths and values come from.
    """

    paths: Mapping[str, str] = field(default_factory=dict[str, str])
    values: Mapping[str, object] = field(default_factory=dict[str, object])
    stored: Mapping[str, object] = field(default_factory=dict[str, object])
    origins: Mapping[str, str] = field(default_factory=dict[str, str])
    user_name: str = ""


NOTHING_GIVEN = ConfigsGiven()
