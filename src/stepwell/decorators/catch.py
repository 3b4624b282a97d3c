"""``@catch``: the run goes on after a task that has failed for good."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, cast, overload

from msgspec.structs import replace

from stepwell.definition.decorator import StepDecorator
from stepwell.definition.graph import Node
from stepwell.definition.placing import decorate_step
from stepwell.definition.step import StepFunction
from stepwell.exceptions import InvalidDecoratorAttribute
from stepwell.model.policy import CatchPolicy, StepPolicy


class Catch(StepDecorator):
    """Lets a task that has no retry left succeed all the same."""

    name = "catch"
    defaults: ClassVar[Mapping[str, object]] = {"var": None, "print_exception": True, "default": None}

    def check(self) -> None:
        var = self.attributes["var"]
        if var is not None and not (isinstance(var, str) and var.isidentifier() and not var.startswith("__")):
            raise InvalidDecoratorAttribute(
                f"@catch: `var` must be the name of an artifact, but it is {var!r}."
            )
        if not isinstance(self.attributes["print_exception"], bool):
            raise InvalidDecoratorAttribute("@catch: `print_exception` must be True or False.")
        default = self.attributes["default"]
        if default is not None and not isinstance(default, list | tuple | range):
            raise InvalidDecoratorAttribute(
                f"@catch: `default` must be a list of items, such as [], but it is {default!r}."
            )

    def contribute(self, policy: StepPolicy) -> StepPolicy:
        var, shown = self.attributes["var"], bool(self.attributes["print_exception"])
        given = cast("Iterable[object] | None", self.attributes["default"])
        items = None if given is None else tuple(given)
        return replace(policy, catch=CatchPolicy(var=str(var or ""), print_exception=shown, items=items))

    def refusals(self, node: Node) -> Iterator[str]:
        has_default = self.attributes["default"] is not None
        if node.is_foreach and not has_default:
            yield (
                "opens a foreach, and if it failed nobody would know the items; "
                "`default=[]` would go on with none"
            )
        elif has_default and not node.is_foreach and self.statically_defined:
            yield "opens no foreach, so there are no items for `default` to stand for"


@overload
def catch(function: StepFunction, /) -> StepFunction: ...
@overload
def catch(
    *, var: str | None = None, print_exception: bool = True, default: Sequence[object] | None = None
) -> Callable[[StepFunction], StepFunction]: ...
def catch(function: Callable[..., Any] | None = None, /, **attributes: object) -> Any:
    """Let the run go on after a task of the step has failed for good.

    The task then succeeds: it keeps the artifacts that the step had set before, and makes the step's
    transition. A later step has to look at ``var``, for artifacts may be missing. ``@catch`` acts when no
    retry is left. On a step that opens a foreach it needs ``default``, for else nobody would know the items.

    Parameters
    ----------
    var
        Artifact that gets a `StepwellExceptionWrapper` of what was raised, or None if the step went well.
    print_exception
        Whether the task's log gets the traceback.
    default
        The items that a step goes on with which opens a foreach; ``[]`` skips to its join.

    Examples
    --------
    >>> @catch(var="failure")
    ... @step
    ... def train(self): ...
    """
    return decorate_step(Catch, function, attributes)
