"""``@cache``: results of equal tasks of the past are taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, cast, get_args, overload

from msgspec.structs import replace

from stepwell.definition.decorator import StepDecorator
from stepwell.definition.placing import decorate_step
from stepwell.definition.step import StepFunction
from stepwell.exceptions import InvalidDecoratorAttribute
from stepwell.model.age import age_in_s
from stepwell.model.cache import CachePolicy, Scope
from stepwell.model.policy import StepPolicy

if TYPE_CHECKING:
    from stepwell.definition.flowspec import FlowSpec


class Cache(StepDecorator):
    """Says which results of the past stand for that of a step."""

    name = "cache"
    defaults: ClassVar[Mapping[str, object]] = {
        "enabled": True,
        "version": "",
        "ignore": (),
        "key": None,
        "expires": None,
        "scope": "all",
        "wait": False,
    }

    def check(self) -> None:
        for name in ("enabled", "wait"):
            if not isinstance(self.attributes[name], bool):
                raise self._wrong(name, "must be True or False")
        version = self.attributes["version"]
        if isinstance(version, bool) or not isinstance(version, str | int | float):
            raise self._wrong("version", "must be a text or a number")
        scope = self.attributes["scope"]
        if scope not in get_args(Scope):
            raise self._wrong("scope", "must be 'user', 'project' or 'all'")
        if self.attributes["key"] is not None and not callable(self.attributes["key"]):
            raise self._wrong("key", "must be a function of the flow, as in `key=lambda flow: flow.day`")
        self._policy = CachePolicy(
            version=str(version),
            ignore=self._ignored(),
            expires_s=self._age_s(),
            scope=cast("Scope", scope),
            wait=bool(self.attributes["wait"]),
        )

    @property
    def key(self) -> Callable[[FlowSpec], object] | None:
        """What the user adds to the key."""
        return cast("Callable[[FlowSpec], object] | None", self.attributes["key"])

    def contribute(self, policy: StepPolicy) -> StepPolicy:
        return replace(policy, cache=self._policy if self.attributes["enabled"] else None)

    def _ignored(self) -> tuple[str, ...]:
        given = self.attributes["ignore"]
        names = [given] if isinstance(given, str) else given
        if not isinstance(names, list | tuple | set | frozenset):
            raise self._wrong("ignore", "must be a list of names of artifacts")
        for name in cast("Sequence[object]", names):
            if not isinstance(name, str) or not name.isidentifier():
                raise self._wrong("ignore", f"must list names of artifacts; {name!r} cannot be one")
        return tuple(sorted(set(cast("Sequence[str]", names))))

    def _age_s(self) -> float | None:
        given = self.attributes["expires"]
        if given is None:
            return None
        found = None
        if isinstance(given, timedelta):
            found = given.total_seconds()
        elif isinstance(given, str):
            found = age_in_s(given)
        elif isinstance(given, int | float) and not isinstance(given, bool):
            found = float(given)
        if found is None or not 0 < found < float("inf"):
            raise self._wrong("expires", "must be an age such as '30m', '12h', '7d' or '2w', or seconds")
        return found

    def _wrong(self, attribute: str, rule: str) -> InvalidDecoratorAttribute:
        return InvalidDecoratorAttribute(
            f"@cache: `{attribute}` {rule}, but it is {self.attributes[attribute]!r}."
        )


@overload
def cache(function: StepFunction, /) -> StepFunction: ...
@overload
def cache(
    *,
    enabled: bool = True,
    version: str | float = "",
    ignore: Sequence[str] = (),
    key: Callable[[Any], object] | None = None,
    expires: str | float | timedelta | None = None,
    scope: Scope = "all",
    wait: bool = False,
) -> Callable[[StepFunction], StepFunction]: ...
def cache(function: Callable[..., Any] | None = None, /, **attributes: object) -> Any:
    """Take the result of an earlier task, of any run, that had the same code and read the same values.

    What a step reads is observed when it runs: artifacts, parameters, inputs of a join. A result is taken if
    all of it has the same values now, if the step's code is the same, with all functions, classes and
    constants of yours that it reaches, and if its Python version and ``@environment`` variables are. No
    process is started then.

    Parameters
    ----------
    enabled
        False opts the step out of ``--cache``.
    version
        Another value makes earlier results unequal.
    ignore
        Names of artifacts and parameters that are not looked at.
    key
        Called with the flow before the step, with its artifacts to read; what it returns belongs to the key.
    expires
        Oldest result that is taken: ``"30m"``, ``"12h"``, ``"7d"``, ``"2w"``, seconds or a timedelta.
    scope
        Whose results are taken: ``"user"`` your own, ``"project"`` those of runs of this flow, ``"all"``.
    wait
        Of equal tasks at the same time, in this run or others, one runs and the others take its result.

    Examples
    --------
    >>> @cache(version=2, expires="7d")
    ... @step
    ... def fit(self): ...
    """
    return decorate_step(Cache, function, attributes)
