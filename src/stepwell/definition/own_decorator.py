"""Decorators that users write as classes: how such a class is used after ``@``, and what is kept of that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any, Self, cast

from stepwell.definition.config_expression import ConfigScope, evaluated, is_delayed
from stepwell.definition.decorator import Decorator, FlowDecorator, StepDecorator
from stepwell.definition.first_party import is_ours
from stepwell.definition.mistakes import locate
from stepwell.definition.placing import is_flow, put_on_flow, put_on_step
from stepwell.definition.step import spec_of
from stepwell.exceptions import FlowError, InvalidDecoratorAttribute


class OwnKind(type):
    """What a class is that users write to decorate with: ``@Name`` and ``@Name(...)`` put it on something.

    An object of it is made later, once the configs of a command are known.
    """

    for_flows: bool = False
    """Whether it belongs on flows, and not on steps."""

    by_name_only: bool = False
    """Whether all arguments of the decorator have names."""

    def __call__(cls, *args: Any, **named: Any) -> Any:
        """Return what decorates; or, used bare, decorate."""
        is_bare = len(args) == 1 and not named and cls._stands_on(args[0])
        return Placed(cls, (), {})(args[0]) if is_bare else Placed(cls, args, named)

    def _stands_on(cls, target: object) -> bool:
        """Whether this is what such a decorator is put on, and no argument of it."""
        if spec_of(target) is not None or is_flow(target):
            return True
        # A step without @step, or a base class of flows: unless it is the argument that `init` asks for.
        return isinstance(target, type if cls.for_flows else FunctionType) and not cls._needs_arguments

    @property
    def _needs_arguments(cls) -> bool:
        from inspect import signature  # only mistakes and mixins pay for it

        if cls.by_name_only or not cls.takes_arguments:
            return False
        try:
            signature(cast("Any", cls).init).bind(None)
        except TypeError:
            return True
        return False

    @property
    def takes_arguments(cls) -> bool:
        """Whether the class has an ``init`` of its own."""
        return getattr(cls, "init", None) is not Own.init

    @property
    def mutates(cls) -> bool:
        """Whether it changes what it stands on before that is checked."""
        return hasattr(cls, "pre_mutate")

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
        if self.kind.for_flows:
            return put_on_flow(OwnFlowDecorator(self.kind, self.args, self.named), target, on_mixins=True)
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
        self.kind: OwnKind = kind
        self.args: tuple[object, ...] = args
        self.named: dict[str, object] = dict(named)
        self.name: str = kind.__name__
        self.statically_defined: bool = statically_defined
        self.is_delayed: bool = is_delayed(list(args)) or is_delayed(self.named)
        self.attributes: dict[str, object] = {**({"args": list(args)} if args else {}), **self.named}
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
        ready.inserted_by = self.inserted_by
        ready.made = self.kind.make(args, named)
        ready.layer = ready.made if hasattr(self.kind, "pre_step") else None
        return ready

    @property
    def qualified_name(self) -> str:
        return f"{self.kind.__module__}.{self.kind.__qualname__}"

    def given(self) -> tuple[list[object], dict[str, object]]:
        return list(self.args), dict(self.named)


class OwnStepDecorator(OwnDecorator, StepDecorator):
    """A class of the user's on a step."""


class OwnFlowDecorator(OwnDecorator, FlowDecorator):
    """A class of the user's on a flow."""


def is_mutator(decorator: Decorator) -> bool:
    """Whether it is a class of the user's that changes what it stands on."""
    return isinstance(decorator, OwnDecorator) and decorator.kind.mutates


def told(call: Callable[[], object], what: str) -> Any:
    """Call the user's code; what it raises becomes an error that shows the user's frames.

    Raises
    ------
    FlowError
    """
    try:
        return call()
    except FlowError as error:
        locate(error)
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
