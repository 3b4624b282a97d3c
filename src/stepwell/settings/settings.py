"""Settings: one frozen value, built once, in which each value knows where it came from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from stepwell.exceptions import StepwellUnknownUser, UsageError
from stepwell.settings.keys import GENERAL_KEYS

DATASTORE_NAME = ".stepwell"


class Value(Struct, frozen=True, array_like=True):
    """A setting's text, and the place it comes from in words."""

    text: str
    origin: str


class Settings(Struct, frozen=True, kw_only=True):
    """What is set, and where.

    Attributes
    ----------
    values
        By name without prefix. Whatever is missing has its default.
    directory
        The working directory, from which the datastore is looked for.
    account
        Name of the account, for when no user is set; empty if it has none.
    warnings
        What the user should know of the sources, such as unknown keys.
    """

    values: Mapping[str, Value]
    directory: Path
    account: Value = Value("", "")
    warnings: tuple[str, ...] = ()

    def text(self, name: str) -> str:
        """Return the value of a setting, or its default."""
        return self.value(name).text

    def value(self, name: str) -> Value:
        """Return the value of a setting and its origin."""
        given = self.values.get(name)
        return given if given is not None else Value(GENERAL_KEYS[name].default, "default")

    def number(self, name: str) -> float:
        """Return a setting that must be a number, at least 0."""
        value = self.value(name)
        try:
            number = float(value.text)
        except ValueError:
            number = -1.0
        if number < 0:
            raise UsageError(f"STEPWELL_{name} must be a number, it is {value.text!r} (from {value.origin}).")
        return number

    @property
    def user(self) -> str:
        """Who runs this.

        Raises
        ------
        StepwellUnknownUser
            No variable names a user, and the account has no name.
        """
        user = self.text("USER") or self.account.text
        if not user:
            raise StepwellUnknownUser("The account has no name. Set STEPWELL_USER to the name of the user.")
        return user

    @property
    def datastore_root(self) -> Path:
        """Directory of the local datastore; it need not exist yet.

        Raises
        ------
        UsageError
            The settings name a place that is no directory.
        """
        if root := self._directory("DATASTORE_ROOT"):
            return root
        if parent := self._directory("DATASTORE_SYSROOT_LOCAL"):
            return parent / DATASTORE_NAME
        return nearest(self.directory) or self.directory / DATASTORE_NAME

    @property
    def decospecs(self) -> tuple[str, ...]:
        """Decorators that every step gets."""
        return tuple(self.text("DEFAULT_DECOSPECS").split())

    @property
    def package_suffixes(self) -> tuple[str, ...]:
        """Endings of the files that a run keeps as its code; none if it is to keep no code."""
        if self.text("FEAT_ALWAYS_UPLOAD_CODE_PACKAGE").lower() not in ("true", "1"):
            return ()
        suffixes = (suffix.strip() for suffix in self.text("DEFAULT_PACKAGE_SUFFIXES").split(","))
        return tuple(suffix for suffix in suffixes if suffix)

    @property
    def namespace(self) -> str | None:
        """The client's default namespace; None means the user's own."""
        return self.text("DEFAULT_NAMESPACE") or None

    def trusts(self, root: Path) -> bool:
        """Whether values may be loaded from a datastore although others can write to it."""
        given = self.text("TRUST")
        real = root.resolve()
        places = (self._absolute(place).resolve() for place in given.split(os.pathsep) if place)
        return given == "all" or any(real.is_relative_to(place) for place in places)

    def _directory(self, name: str) -> Path | None:
        value = self.value(name)
        scheme, mark, _ = value.text.partition("://")
        if mark:
            raise UsageError(
                f"{name} must be a directory: this version keeps results on this machine alone. It is "
                f"`{scheme}{mark}...` (from {value.origin}). `stepwell configure show --origin` prints all "
                "settings."
            )
        return self._absolute(value.text) if value.text else None

    def _absolute(self, path: str) -> Path:
        return self.directory / Path(path).expanduser()


def nearest(directory: Path) -> Path | None:
    """Return the first ``.stepwell`` directory in ``directory`` or above it."""
    for place in (directory, *directory.parents):
        found = place / DATASTORE_NAME
        if os.path.isdir(found):  # noqa: PTH112 - where a parent may not be entered, it raises nothing
            return found
    return None
