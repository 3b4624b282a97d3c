"""How results of earlier tasks are taken: what a step asks for, and what each of its tasks is told."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from stepwell.model.ids import TaskKey

Scope = Literal["user", "project", "all"]


class CachePolicy(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A step's results are taken from equal tasks of the past.

    Attributes
    ----------
    version
        Another text makes another key.
    ignore
        Names of artifacts that are not looked at, sorted.
    expires_s
        Results that are older are not taken; None is never.
    scope
        Whose results are taken.
    wait
        Of equal tasks at the same time, one runs and the others wait for its result.
    """

    version: str = ""
    ignore: tuple[str, ...] = ()
    expires_s: float | None = None
    scope: Scope = "all"
    wait: bool = False


class CacheKey(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of a task's key before it has read anything.

    Attributes
    ----------
    made_of
        Code, environment, version and the like: a text or a hash by what it is of.
    prefix
        Stands for all of it.
    passed_over
        An equal result that was not taken, and why.
    fault
        Why it could not be made; the task fails with that.
    """

    made_of: dict[str, str] = {}
    prefix: bytes = b""
    passed_over: str = ""
    fault: str = ""


class Origin(Struct, frozen=True, array_like=True):
    """The attempt whose result stands for that of a cached task."""

    task: TaskKey
    attempt: int = 0
