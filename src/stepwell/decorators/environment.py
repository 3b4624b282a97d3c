"""``@environment``: environment variables of a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, cast, overload

from msgspec.structs import replace

from stepwell.definition.decorator import StepDecorator
from stepwell.definition.placing import decorate_step
from stepwell.definition.step import StepFunction
from stepwell.exceptions import InvalidDecoratorAttribute
from stepwell.model.policy import StepPolicy


class Environment(StepDecorator):
    """Sets environment variables before the flow's file is imported in the process that runs the step."""

    name = "environment"
    defaults: ClassVar[Mapping[str, object]] = {"vars": {}}

    def check(self) -> None:
        given = self.attributes["vars"]
        if not isinstance(given, Mapping):
            raise InvalidDecoratorAttribute(
                f"@environment: `vars` must be a dictionary, but it is {given!r}."
            )
        for key, value in cast("Mapping[object, object]", given).items():
            if not isinstance(key, str) or not key or "=" in key or "\0" in key:
                raise InvalidDecoratorAttribute(f"@environment: {key!r} cannot be the name of a variable.")
            if not isinstance(value, str):
                raise InvalidDecoratorAttribute(
                    f"@environment: the value of `{key}` must be text, but it is {value!r} "
                    f"({type(value).__name__}). Write str(...) around it."
                )

    def contribute(self, policy: StepPolicy) -> StepPolicy:
        own = cast("Mapping[str, str]", self.attributes["vars"])
        return replace(policy, variables=tuple(sorted({**dict(policy.variables), **own}.items())))


@overload
def environment(function: StepFunction, /) -> StepFunction: ...
@overload
def environment(*, vars: Mapping[str, str] = ...) -> Callable[[StepFunction], StepFunction]: ...
def environment(function: Callable[..., Any] | None = None, /, **attributes: object) -> Any:
    """Set environment variables for a step, before the flow's file and its imports are loaded.

    Parameters
    ----------
    vars
        Names and values; values are text.

    Examples
    --------
    >>> @environment(vars={"OMP_NUM_THREADS": "1"})
    ... @step
    ... def start(self): ...
    """
    return decorate_step(Environment, function, attributes)
