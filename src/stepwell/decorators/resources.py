"""``@resources``: what a step needs of a machine."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, cast, overload

from msgspec.structs import replace

from stepwell.definition.decorator import StepDecorator
from stepwell.definition.needs import NEEDS, larger
from stepwell.definition.placing import decorate_step
from stepwell.definition.step import StepFunction
from stepwell.exceptions import InvalidDecoratorAttribute
from stepwell.model.policy import StepPolicy

_TOKEN = re.compile(r"[A-Za-z_][\w.-]*")


class ResourcesDecorator(StepDecorator):
    """States needs that every engine reads."""

    name = "resources"
    defaults: ClassVar[Mapping[str, object]] = {
        **dict.fromkeys(NEEDS),
        "custom": None,
        "enforce": False,
    }

    def check(self) -> None:
        for attribute in NEEDS:
            self.number(attribute)
        self._tokens()
        if not isinstance(self.attributes["enforce"], bool):
            raise InvalidDecoratorAttribute(
                f"@resources: `enforce` must be True or False, but it is {self.attributes['enforce']!r}."
            )
        if self.attributes["enforce"] and not self.number("memory"):
            raise InvalidDecoratorAttribute("@resources: `enforce` needs a limit: state `memory` as well.")

    def _tokens(self) -> dict[str, float]:
        given = self.attributes["custom"]
        if given is None:
            return {}
        tokens = cast("Mapping[object, object]", given) if isinstance(given, Mapping) else {"": given}
        for name, amount in tokens.items():
            is_name = isinstance(name, str) and _TOKEN.fullmatch(name)
            is_amount = isinstance(amount, int | float) and amount is not True and 0 < amount < float("inf")
            if not (is_name and is_amount):
                raise InvalidDecoratorAttribute(
                    "@resources: `custom` must say how many of each token are claimed, "
                    f'as {{"licence": 1}} does, but it is {given!r}.'
                )
        return {str(name): float(cast("float", amount)) for name, amount in tokens.items()}

    def contribute(self, policy: StepPolicy) -> StepPolicy:
        stated = {attribute: self.number(attribute) for attribute in NEEDS}
        enforce = bool(self.attributes["enforce"])
        return replace(policy, resources=larger(policy.resources, stated, self._tokens(), enforce))


_Number = int | float | str | None


@overload
def resources(function: StepFunction, /) -> StepFunction: ...
@overload
def resources(
    *,
    cpu: _Number = None,
    gpu: _Number = None,
    disk: _Number = None,
    memory: _Number = None,
    shared_memory: _Number = None,
    custom: Mapping[str, float] | None = None,
    enforce: bool = False,
) -> Callable[[StepFunction], StepFunction]: ...
def resources(function: Callable[..., Any] | None = None, /, **attributes: object) -> Any:
    """State what a step needs. Where several decorators state the same, the larger value holds.

    Parameters
    ----------
    cpu, gpu
        Number of cores and of devices.
    disk, memory, shared_memory
        In MB.
    custom
        How many it claims of tokens of your own naming; ``STEPWELL_LOCAL_TOKENS`` says how many there are.
    enforce
        End a task on this machine that uses more than ``memory``, as out of memory.

    Examples
    --------
    >>> @resources(cpu=2, memory=4096)
    ... @step
    ... def train(self): ...
    """
    return decorate_step(ResourcesDecorator, function, attributes)
