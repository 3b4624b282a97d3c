"""Step decorators that users write: code of theirs around, or in place of, the steps that they stand on."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from types import FunctionType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from stepwell.definition.own_decorator import Own, OwnKind
from stepwell.exceptions import InvalidDecoratorAttribute, TaskError

if TYPE_CHECKING:
    from stepwell.definition.flowspec import FlowSpec

NextArguments = dict[str, Any]
"""Arguments with names of ``self.next``, for the transition that the source of a step has."""


class _SkipStep(NextArguments):
    """What a decorator yields to skip the step, and go on as its source says: with no other arguments."""

    def __repr__(self) -> str:
        return "USER_SKIP_STEP"


USER_SKIP_STEP: NextArguments = _SkipStep()

_Target = TypeVar("_Target", bound=Callable[..., Any])


class UserStepDecorator(Own):
    """Subclass it to write a step decorator, used as ``@Name`` or ``@Name(...)`` above ``@step``.

    Each attempt of a task has an object of its own, a shallow copy of the one that ``init`` has prepared.

    Examples
    --------
    >>> class Announced(UserStepDecorator):
    ...     def init(self, word="runs"):
    ...         self.word = word
    ...
    ...     def pre_step(self, step_name, flow, inputs=None):
    ...         print(step_name, self.word)
    ...
    ...     def post_step(self, step_name, flow, exception=None):
    ...         print(step_name, "has ended")
    ...         return exception
    """

    _skip_step: bool | NextArguments = False

    if TYPE_CHECKING:

        def __init__(self, *args: Any, **kwargs: Any) -> None: ...

        def __call__(self, target: _Target) -> _Target: ...

    def pre_step(self, step_name: str, flow: FlowSpec, inputs: Any = None) -> Callable[..., Any] | None:
        """Be called before the step.

        Parameters
        ----------
        step_name
            The step.
        flow
            What the step has as ``self``.
        inputs
            What a join has as ``inputs``; else None.

        Returns
        -------
        Callable or None
            A function to call in place of the step and of what stands between: with the flow, and for a join
            with ``inputs`` as well. It returns None or False if it has called ``self.next`` itself, True for
            the transition that the source of the step has, or a dictionary of arguments for that.
        """
        del step_name, flow, inputs
        return None

    def post_step(
        self, step_name: str, flow: FlowSpec, exception: BaseException | None = None
    ) -> BaseException | tuple[BaseException | None, NextArguments | bool | None] | None:
        """Be called after the step, before its artifacts are stored.

        Parameters
        ----------
        exception
            What the step has raised, or what stands between.

        Returns
        -------
        exception, None, or tuple
            What is to be raised; None lets the step succeed, by its own transition. In a tuple it comes
            first, and then what `self.next` is to be given in place of what the step has said: a dictionary,
            ``{}`` for the transition of the source, None or False for no change.
        """
        del step_name, flow
        return exception

    @property
    def skip_step(self) -> bool | NextArguments:
        """Whether the step, and what stands between, is left out.

        ``pre_step`` sets it. True makes the transition that the source of the step has, a dictionary gives
        arguments for it.
        """
        return self._skip_step

    @skip_step.setter
    def skip_step(self, value: bool | NextArguments) -> None:
        if not isinstance(value, bool | dict):  # pyright: ignore[reportUnnecessaryIsInstance] - users may set anything
            raise TaskError(f"`skip_step` is True, False or a dictionary for `self.next`, not {value!r}.")
        self._skip_step = value


class _Yielding(UserStepDecorator):
    """Calls a generator function: up to its ``yield`` before the step, and from there after it."""

    function: ClassVar[FunctionType]
    defaults: ClassVar[dict[str, object]] = {}
    takes_attributes: ClassVar[bool] = False
    by_name_only = True

    def init(self, *args: Any, **kwargs: Any) -> None:
        name = type(self).__name__
        if args:
            raise InvalidDecoratorAttribute(f"@{name} takes arguments by name only: @{name}(key=value).")
        if kwargs and not self.takes_attributes:
            raise InvalidDecoratorAttribute(
                f"@{name} takes no arguments. Its function gets them if it has a fourth parameter: "
                f"`def {name}(step_name, flow, inputs, attributes)`."
            )
        self._attributes = {**self.defaults, **kwargs}
        self._running: Generator[Any, None, Any] | None = None

    def pre_step(self, step_name: str, flow: FlowSpec, inputs: Any = None) -> Callable[..., Any] | None:
        more = (dict(self._attributes),) if self.takes_attributes else ()
        self._running = running = self.function(step_name, flow, inputs, *more)
        try:
            given = next(running)
        except StopIteration:
            self._running, self.skip_step = None, True
            return None
        if given is None:
            return None
        if isinstance(given, dict):
            self.skip_step = cast("NextArguments", given)
            return None
        if not callable(given):
            raise self._misused(
                f"yields {given!r}. It may yield nothing, a function to call in place of the step, or a "
                "dictionary, which skips the step."
            )
        return given

    def post_step(self, step_name: str, flow: FlowSpec, exception: BaseException | None = None) -> Any:
        del step_name, flow
        running = self._running
        if running is None:  # it has skipped the step by never yielding
            return exception
        try:
            if exception is None:
                next(running)
            else:
                running.throw(exception)
        except StopIteration as end:
            return end.value
        except RuntimeError as error:
            if isinstance(exception, StopIteration) and error.__cause__ is exception:
                return exception  # no generator lets it through as it is
            raise
        running.close()
        raise self._misused("yields more than once. It may do so once, for the step.")

    def _misused(self, what: str) -> TaskError:
        code = self.function.__code__
        return TaskError(f"@{type(self).__name__} {what}", code.co_firstlineno, code.co_filename)


def user_step_decorator(function: Any = None, /, **attributes: Any) -> Any:
    """Make a step decorator of a generator function: what stands before ``yield`` runs before the step.

    Parameters
    ----------
    function
        Takes ``step_name``, ``flow`` and ``inputs`` (None but for a join), and ``attributes``, the arguments
        of the decorator, if it has any. It yields once: nothing, so that the step runs; a function to call in
        its place; or a dictionary, ``USER_SKIP_STEP`` or arguments for ``self.next``, which skips the step.
        What the step raises is raised at the ``yield``. It may return what
        `UserStepDecorator.post_step` may.
    **attributes
        Values of ``attributes`` that hold where a use says nothing else.

    Raises
    ------
    InvalidDecoratorAttribute
        It is no such function.

    Examples
    --------
    >>> @user_step_decorator
    ... def timed(step_name, flow, inputs):
    ...     began = time.monotonic()
    ...     yield
    ...     flow.took_s = time.monotonic() - began
    """
    if function is None:
        return lambda function: user_step_decorator(function, **attributes)  # pyright: ignore[reportUnknownLambdaType, reportUnknownVariableType]
    name = str(getattr(function, "__name__", repr(function)))
    if not isinstance(function, FunctionType) or not inspect.isgeneratorfunction(function):
        raise InvalidDecoratorAttribute(
            f"@user_step_decorator stands on `{name}`, which is no generator function: a function with a "
            "`yield` where the step is to run."
        )
    count = len(inspect.signature(function).parameters)
    if count not in (3, 4):
        raise InvalidDecoratorAttribute(
            f"@user_step_decorator: `{name}` takes {count} arguments. Write "
            f"`def {name}(step_name, flow, inputs)`, or `def {name}(step_name, flow, inputs, attributes)` if "
            "the decorator takes arguments."
        )
    if attributes and count == 3:
        raise InvalidDecoratorAttribute(
            f"@user_step_decorator has arguments, which `{name}` does not take. Give it a fourth parameter: "
            f"`def {name}(step_name, flow, inputs, attributes)`."
        )
    body: dict[str, object] = {
        "__doc__": function.__doc__,
        "__module__": function.__module__,
        "__qualname__": function.__qualname__,
        "function": staticmethod(function),
        "defaults": attributes,
        "takes_attributes": count == 4,
    }
    return OwnKind(name, (_Yielding,), body)
