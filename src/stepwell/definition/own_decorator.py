"""Decorators that users write as classes: how such a class is used after ``@``, and what is kept of that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any, Self, cast

from stepwell.definition.config_expression import ConfigScope, evaluated, is_delayed
from stepwell.definition.decorator import Decorator, StepDecorator
from stepwell.definition.first_party import is_ours
from stepwell.definition.placing import put_on_step
from stepwell.definition.step import spec_of
from stepwell.exceptions import FlowError, InvalidDecoratorAttribute


class OwnKind(type):
    """What a class is that users write to decorate with: ``@Name`` and ``@Name(...)`` put it on something.

    An object of it is made later, once the configs of a command are known.
    """

    by_name_only: bool = False
    """Whether all arguments of the decorator have names."""

    def __call__(cls, *args: Any, **named: Any) -> Any:
        """Return what decorates; or, used bare, decorate."""
        placed = Placed(cls, args, named)
        if len(args) == 1 and not named and cls.stands_on(args[0]):
            return Placed(cls, (), {})(args[0])
        return placed

    def stands_on(cls, target: object) -> bool:
        """Whether this is what such a decorator is put on, and no argument of it."""
        is_function = isinstance(target, FunctionType)
        is_no_argument = cls.by_name_only or not cls.takes_arguments
        return is_function and (is_no_argument or spec_of(target) is not None)

    @property
    def is_for_steps(cls) -> bool:
        """Whether it belongs on steps."""
        return True

    @property
    def takes_arguments(cls) -> bool:
        """Whether the class has an ``init`` of its own."""
        return getattr(cls, "init", None) is not Own.init

    def make(cls, args: tuple[object, ...], named: Mapping[str, object]) -> Any:
        """Return an object of the class that has got its arguments.

        Raises
        ------
        InvalidDecoratorAttribute
            It does not take them.
        FlowError
            Its ``init`` failed.
        """
        from inspect import signature  # only flows with such decorators need it

        made: Any = type.__call__(cls)
        if (args or named) and not cls.takes_arguments:
            raise InvalidDecoratorAttribute(
                f"@{cls.__name__} takes no arguments. Give its class a method "
                "`init(self, *args, **kwargs)`, which gets them."
            )
        try:
            signature(made.init).bind(*args, **named)
        except TypeError as error:
            raise InvalidDecoratorAttribute(f"@{cls.__name__}: {error}.") from None
        told(lambda: made.init(*args, **named), f"@{cls.__name__}: its `init` failed")
        return made


class Own(metaclass=OwnKind):
    """What all decorators of users' own have."""

    def init(self, *args: Any, **kwargs: Any) -> None:
        """Take the arguments that stand after ``@Name``. Needed only if there are any."""


class Placed:
    """A class of the user's after ``@``, with its arguments, on its way to what it is put on."""

    def __init__(self, kind: OwnKind, args: tuple[object, ...], named: Mapping[str, object]) -> None:
        self.kind, self.args, self.named = kind, args, named

    def __call__(self, target: Any) -> Any:
        """Put it there."""
        return put_on_step(OwnStepDecorator(self.kind, self.args, self.named), target)


class OwnDecorator(Decorator):
    """A class of the user's on a step or a flow.

    Attributes
    ----------
    kind
        The class.
    args, named
        What it is given.
    made
        An object of it, once the configs are known.
    layer
        The same, if it wraps steps.
    """

    repeatable = True
    layer: Any = None

    def __init__(
        self,
        kind: OwnKind,
        args: tuple[object, ...],
        named: Mapping[str, object],
        statically_defined: bool = True,
    ) -> None:
        self.kind, self.args, self.named = kind, args, dict(named)
        self.name = kind.__name__
        self.statically_defined = statically_defined
        self.is_delayed = is_delayed(list(args)) or is_delayed(self.named)
        self.attributes = {**({"args": list(args)} if args else {}), **self.named}
        self.made: Any = None

    def with_configs(self, scope: ConfigScope) -> Self:
        """Return it with an object of its class made, from arguments in which configs have their values.

        Raises
        ------
        FlowError
            The class does not take them, or fails.
        """
        if self.made is not None:
            return self
        what = f"@{self.name}: an argument"
        args = tuple(evaluated(list(self.args), scope, what))
        named = cast("dict[str, object]", evaluated(self.named, scope, what))
        ready = type(self)(self.kind, args, named, self.statically_defined)
        ready.made = self.kind.make(args, named)
        ready.layer = ready.made if hasattr(self.kind, "pre_step") else None
        return ready


class OwnStepDecorator(OwnDecorator, StepDecorator):
    """A class of the user's on a step."""


def told(call: Callable[[], object], what: str) -> Any:
    """Call the user's code; what it raises becomes an error that shows the user's frames.

    Raises
    ------
    FlowError
    """
    try:
        return call()
    except FlowError:
        raise
    except Exception as error:
        import traceback  # only a mistake pays for it

        frames = traceback.extract_tb(error.__traceback__)
        users = [frame for frame in frames if not is_ours(frame.filename)]
        last = users[-1] if users else None
        shown = "".join(traceback.format_list(users)).rstrip()
        raise FlowError(
            f"{what}: {type(error).__name__}: {error}\n{shown}".rstrip(),
            last.lineno if last else None,
            last.filename if last else None,
        ) from error
