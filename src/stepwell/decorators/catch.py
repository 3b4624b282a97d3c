"""``@catch``: the run goes on after a task that has failed for good."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, cast, overload

from msgspec.structs import replace

from stepwell.definition.decorator import StepDecorator
from stepwell.definition.graph import Node
from stepwell.definition.nearest import listed
from stepwell.definition.placing import decorate_step
from stepwell.definition.step import StepFunction
from stepwell.definition.transition import Foreach, Gang, Switch
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
        if default is not None and not isinstance(default, list | tuple | range | str | int | float):
            raise InvalidDecoratorAttribute(
                "@catch: `default` must be a list of items, such as [], or a case of a switch, but it is "
                f"{default!r}."
            )

    def contribute(self, policy: StepPolicy) -> StepPolicy:
        var, shown = self.attributes["var"], bool(self.attributes["print_exception"])
        default = self.attributes["default"]
        items, case = None, ""
        if isinstance(default, str | int | float):
            case = str(default)
        elif default is not None:
            items = tuple(cast("Iterable[object]", default))
        return replace(
            policy, catch=CatchPolicy(var=str(var or ""), print_exception=shown, items=items, case=case)
        )

    def refusals(self, node: Node) -> Iterator[str]:
        default = self.attributes["default"]
        has_default = isinstance(default, list | tuple | range)
        if isinstance(node.transition, Switch):
            yield from _refused_by_switch(node.transition, default)
        elif node.is_foreach and isinstance(default, str | int | float):
            yield "opens a foreach, so that `default` must be a list of items, such as []"
        elif isinstance(default, str | int | float) and self.statically_defined:
            yield "is no switch, so there is no case for `default` to name"
        elif node.opens_gang:
            yield "opens a gang, and if it failed nobody would know of how many tasks"
        elif node.is_foreach and not has_default:
            yield (
                "opens a foreach, and if it failed nobody would know the items; "
                "`default=[]` would go on with none"
            )
        elif has_default and not node.is_foreach and self.statically_defined:
            yield "opens no foreach, so there are no items for `default` to stand for"


def _refused_by_switch(switch: Switch, default: object) -> Iterator[str]:
    cases = {case.label: case.way for case in switch.cases}
    way = cases.get(str(default))
    if default is None:
        yield (
            "is a switch, and if it failed nobody would know the case; `default=` names one of "
            f"{listed(cases)}"
        )
    elif way is None:
        yield f"has no case {default!r} for `default` to name; it has {listed(cases)}"
    elif isinstance(way, Foreach | Gang):
        what, unknown = (
            ("foreach", "the items") if isinstance(way, Foreach) else ("gang", "of how many tasks")
        )
        yield f"opens a {what} in case `{default}`, and if it failed nobody would know {unknown}"


@overload
def catch(function: StepFunction, /) -> StepFunction: ...
@overload
def catch(
    *,
    var: str | None = None,
    print_exception: bool = True,
    default: Sequence[object] | str | float | None = None,
) -> Callable[[StepFunction], StepFunction]: ...
def catch(function: Callable[..., Any] | None = None, /, **attributes: object) -> Any:
    """Let the run go on after a task of the step has failed for good.

    The task then succeeds: it keeps the artifacts that the step had set before, and makes the step's
    transition. A later step has to look at ``var``, for artifacts may be missing. ``@catch`` acts when no
    retry is left. On a step that opens a foreach, or is a switch, it needs ``default``, for else nobody would
    know the items, or the case.

    Parameters
    ----------
    var
        Artifact that gets a `StepwellExceptionWrapper` of what was raised, or None if the step went well.
    print_exception
        Whether the task's log gets the traceback.
    default
        The items that a step goes on with which opens a foreach; ``[]`` skips to its join. For a switch, the
        case to take: its key, or its conditions as `show` prints them.

    Examples
    --------
    >>> @catch(var="failure")
    ... @step
    ... def train(self): ...
    """
    return decorate_step(Catch, function, attributes)
