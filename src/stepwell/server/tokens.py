"""Who may use a server: named tokens with roles. Of a token only its hash is kept."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import cast

import msgspec

from stepwell.definition.nearest import did_you_mean
from stepwell.exceptions import UsageError
from stepwell.settings.configuration_file import write

_NAME = re.compile(r"[\w.@-]{1,64}")
_MARK = "sw_"
"""What tokens begin with, so that scanners for secrets can find those that have leaked."""


class Role(StrEnum):
    """What a token allows: to look, also to run flows, also to rule the server. Each has all before it."""

    READ = "read"
    RUN = "run"
    ADMIN = "admin"

    @property
    def may_write(self) -> bool:
        return self is not Role.READ


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a token."""

    name: str
    role: Role
    sha256: str
    created_at: float


class _Content(msgspec.Struct, frozen=True):
    tokens: tuple[Token, ...] = ()


class TokenFile:
    """The tokens in a file, which may change while a server uses it.

    Parameters
    ----------
    path
        It need not exist; then there is no token.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp: tuple[int, ...] = ()
        self._tokens: tuple[Token, ...] = ()

    @property
    def tokens(self) -> Sequence[Token]:
        """All tokens, as they are now.

        Raises
        ------
        UsageError
            The file cannot be read.
        """
        try:
            found = self.path.stat()
            stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
            if stamp != self._stamp:
                self._tokens = msgspec.json.decode(self.path.read_bytes(), type=_Content).tokens
                self._stamp = stamp
        except FileNotFoundError:
            return ()
        except (OSError, msgspec.MsgspecError) as error:
            raise UsageError(f"The tokens in {self.path} cannot be read: {error}.") from error
        return self._tokens

    def holder_of(self, secret: str) -> Token | None:
        """Return what is kept of the token with this text, or None if there is none."""
        digest = _digest(secret)
        return next((token for token in self.tokens if secrets.compare_digest(token.sha256, digest)), None)

    def add(self, name: str, role: Role) -> str:
        """Make a token; return its text, which cannot be had again.

        Raises
        ------
        UsageError
            There is one of this name, or the text is no name.
        """
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"{name!r} is no name of a token: use up to 64 letters, digits, `.`, `_`, `@`, `-`."
            )
        if any(token.name == name for token in self.tokens):
            raise UsageError(f"There is a token `{name}` already. Remove it first, or choose another name.")
        secret = _MARK + secrets.token_urlsafe(32)
        token = Token(name=name, role=role, sha256=_digest(secret), created_at=time.time())
        self._write([*self.tokens, token])
        return secret

    def remove(self, name: str) -> None:
        """Forget a token. A server that uses the file refuses it from then on.

        Raises
        ------
        UsageError
            There is none of this name.
        """
        left = [token for token in self.tokens if token.name != name]
        if len(left) == len(self.tokens):
            hint = did_you_mean(name, [token.name for token in left])
            raise UsageError(f"There is no token `{name}` in {self.path}. {hint}".strip())
        self._write(left)

    def _write(self, tokens: Sequence[Token]) -> None:
        content = msgspec.to_builtins(_Content(tuple(tokens)))
        write(self.path, cast("dict[str, object]", content))


def _digest(secret: str) -> str:
    # A token is 256 random bits: nothing can be guessed of it, so that a fast hash is enough.
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
