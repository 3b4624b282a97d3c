"""Addresses of an index that does not lie beside the results, and what may be shown of them."""

from __future__ import annotations

import re

# Compiled on first use: few have one.
_FORM = (
    r"(?P<scheme>[a-z0-9+]+://)(?:(?P<user>[^:/?#@]*)(?::[^/?#@]*)?@)?(?P<rest>[^/?#@]*(?:/[^?#@]*)?)"
    r"(?:\?(?P<more>[^#@]*))?"
)
_WITH_PASSWORD = r"(?i)[a-z0-9+]+://(?:[^\s@]*:[^\s]*@\S*|\S*[?&](?:ssl)?password=\S*)"
_SECRET = r"(?i)(?:ssl)?password="


def is_address(text: str) -> bool:
    """Whether the text is, or holds, the address of an index, well formed or not."""
    return "://" in text


def is_well_formed(address: str) -> bool:
    """Whether it is clear where in the address a password ends."""
    return re.fullmatch(_FORM, address) is not None


def without_password(address: str) -> str:
    """Return the address as it may be shown and kept: with the name of the user, without the password."""
    found = re.fullmatch(_FORM, address)
    if found is None:
        return f"{address.partition('://')[0]}://..."
    user = f"{found['user']}@" if found["user"] else ""
    more = [part for part in (found["more"] or "").split("&") if part and not re.match(_SECRET, part)]
    return f"{found['scheme']}{user}{found['rest']}{'?' if more else ''}{'&'.join(more)}"


def with_password(address: str, password: str) -> str:
    """Return an address that names a user with the user's password, which is percent-encoded already."""
    user, _, rest = address.partition("@")
    return f"{user}:{password}@{rest}"


def without_passwords(text: str) -> str:
    """Return a text, such as a command line, with no password in the addresses in it."""
    if not is_address(text):
        return text  # the rule of a command line without one is not even compiled
    return re.sub(_WITH_PASSWORD, lambda found: without_password(found[0]), text)


def has_password(text: str) -> bool:
    """Whether there is an address with a password in the text."""
    return re.search(_WITH_PASSWORD, text) is not None
