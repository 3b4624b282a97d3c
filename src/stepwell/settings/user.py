"""Who runs this."""

from __future__ import annotations

from collections.abc import Mapping

from stepwell.settings.sources import load_settings


def current_user(environ: Mapping[str, str] | None = None) -> str:
    """Return the user's name as the environment and the configuration files have it.

    Raises
    ------
    StepwellUnknownUser
        No variable names a user, and the account has no name.
    """
    return load_settings(environ=environ).user
