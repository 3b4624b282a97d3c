"""What the operating system knows of the user."""

from __future__ import annotations

import os
from collections.abc import Mapping

from stepwell.settings.settings import Value

_VARIABLES = ("SUDO_USER", "USERNAME", "USER")


def account_user(environ: Mapping[str, str]) -> Value:
    """Return the user that the operating system knows, with its origin; empty if it knows none."""
    for name in _VARIABLES:
        if environ.get(name):
            return Value(environ[name], f"environment variable {name}")
    try:
        # Only needed in bare containers; the module does not exist on Windows.
        import pwd

        return Value(pwd.getpwuid(os.getuid()).pw_name, "account")
    except (ImportError, KeyError):
        return Value("", "")
