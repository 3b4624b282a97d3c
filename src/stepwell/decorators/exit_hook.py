"""``@exit_hook``: functions that are called when a run of the flow has ended."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any, ClassVar, cast

from msgspec import Struct

from stepwell.definition.decorator import FlowDecorator
from stepwell.definition.nearest import did_you_mean, listed
from stepwell.definition.placing import decorate_flow
from stepwell.exceptions import InvalidDecoratorAttribute

Function = Callable[..., object]

LIMIT_S = 300.0
_OPTIONS = ("timeout", "image")
_LISTS = ("on_success", "on_error")


class Hook(Struct, frozen=True):
    """A function to call, or its name, and how long it may take."""

    function: Function | str
    limit_s: float

    @property
    def name(self) -> str:
        """What to call it in words."""
        if isinstance(self.function, str):
            return self.function
        return str(getattr(self.function, "__qualname__", repr(self.function)))


class ExitHook(FlowDecorator):
    """Functions for one or both ends of a run."""

    name = "exit_hook"
    defaults: ClassVar[Mapping[str, object]] = {"on_success": None, "on_error": None, "options": None}
    repeatable = True

    def check(self) -> None:
        for attribute in _LISTS:
            given = self.attributes[attribute]
            if given is not None and not isinstance(given, list | tuple):
                raise InvalidDecoratorAttribute(
                    f"@exit_hook: `{attribute}` must be a list of functions, but it is {given!r}."
                )
            for hook in self._functions(attribute):
                _check_function(hook)
        if not any(self._functions(attribute) for attribute in _LISTS):
            raise InvalidDecoratorAttribute(
                "@exit_hook calls nothing. Write, for instance, @exit_hook(on_error=[tell_the_team])."
            )
        options = self.attributes["options"]
        if options is not None and not isinstance(options, Mapping):
            raise InvalidDecoratorAttribute(
                f"@exit_hook: `options` must be a dictionary, but it is {options!r}."
            )
        for option in self._options:
            if option not in _OPTIONS:
                hint = did_you_mean(str(option), _OPTIONS)
                raise InvalidDecoratorAttribute(
                    " ".join(
                        filter(
                            None,
                            (
                                f"@exit_hook has no option {option!r}.",
                                hint,
                                f"There are: {listed(_OPTIONS)}.",
                            ),
                        )
                    )
                )
        if not self._limit_s > 0:
            raise InvalidDecoratorAttribute(
                f"@exit_hook: the option `timeout` must be a number of seconds, but it is "
                f"{self._options.get('timeout')!r}."
            )

    def hooks(self, ok: bool) -> list[Hook]:
        """Return what is to be called after a run that has succeeded, or has not."""
        return [Hook(function, self._limit_s) for function in self._functions(_LISTS[not ok])]

    def _functions(self, attribute: str) -> Sequence[Any]:
        return cast("Sequence[Any]", self.attributes[attribute] or ())

    @property
    def _options(self) -> Mapping[object, object]:
        return cast("Mapping[object, object]", self.attributes["options"] or {})

    @property
    def _limit_s(self) -> float:
        given = self._options.get("timeout", LIMIT_S)
        return float(given) if isinstance(given, int | float) else 0.0


def hooks_of(decorators: Sequence[FlowDecorator], ok: bool) -> list[Hook]:
    """Return what a flow's decorators want to be called, in their order."""
    return [
        hook for decorator in decorators if isinstance(decorator, ExitHook) for hook in decorator.hooks(ok)
    ]


def function_of(hook: Hook, flow_module: ModuleType) -> Function:
    """Return the function of a hook; a name without dots is one of the flow's module.

    Raises
    ------
    InvalidDecoratorAttribute
        There is no such function, or it cannot be called as a hook is.
    """
    found: object = hook.function
    if isinstance(found, str):
        module, attribute = _split(found)
        try:
            found = getattr(import_module(module) if module else flow_module, attribute)
        except (ImportError, AttributeError) as error:
            raise InvalidDecoratorAttribute(f"@exit_hook: `{hook.name}` cannot be found: {error}.") from error
        _check_function(found)
    return cast("Function", found)


def check_names(hooks: Sequence[Hook], flow_module: ModuleType) -> None:
    """Find out before a run whether its hooks are there; what lies in other modules is not imported for it.

    Raises
    ------
    InvalidDecoratorAttribute
    """
    for hook in hooks:
        module = _split(hook.function)[0] if isinstance(hook.function, str) else ""
        if not module:
            function_of(hook, flow_module)
        elif not _is_there(module):
            raise InvalidDecoratorAttribute(
                f"@exit_hook: there is no module {module!r} to import {hook.name!r} from."
            )


def call(function: Function, run: Callable[[], object]) -> None:
    """Call a hook's function; ``run`` makes the run for one that takes it."""
    if "run" in _parameters(function):
        function(run=run())
    else:
        function()


def _split(name: str) -> tuple[str, str]:
    module, _, attribute = name.replace(":", ".").rpartition(".")
    return module, attribute


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _check_function(hook: object) -> None:
    if isinstance(hook, str):
        if not all(part.isidentifier() for part in hook.replace(":", ".").split(".")):
            raise InvalidDecoratorAttribute(f"@exit_hook: {hook!r} is no name of a function.")
        return
    if not callable(hook):
        raise InvalidDecoratorAttribute(
            f"@exit_hook takes functions, their names, or import paths such as 'package.module.function'; "
            f"{hook!r} is none of these."
        )
    needed = [
        name
        for name, parameter in _parameters(hook).items()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    if set(needed) - {"run"}:
        raise InvalidDecoratorAttribute(
            f"@exit_hook: `{getattr(hook, '__qualname__', hook)}` takes {listed(needed)}; a hook takes "
            "no argument, or one that is named `run`."
        )


def _parameters(function: Callable[..., object]) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(function).parameters
    except ValueError:
        return {}  # of some functions in C nobody knows


def exit_hook(
    *,
    on_success: Sequence[Function | str] | None = None,
    on_error: Sequence[Function | str] | None = None,
    options: Mapping[str, object] | None = None,
) -> Callable[[type], Any]:
    """Call functions once a run of the flow has ended. May stand several times on a flow.

    Each is called once, in a process of its own that imports the flow's file anew, one after another. What
    they raise is shown, and changes nothing of the run.

    Parameters
    ----------
    on_success
        Called after a run that has succeeded: functions, names of functions in the flow's file, or import
        paths such as ``package.module.function``. They take no argument, or one that is named ``run``: the
        client's `Run`.
    on_error
        Called after a run that has failed, was interrupted, or could not be started; ``run`` is then None.
    options
        ``timeout``: seconds that each of them may take (300 unless given). ``image``: for schedulers, what
        they run in.

    Examples
    --------
    >>> def tell(run):
    ...     print("failed:", run)
    >>> @exit_hook(on_error=[tell])
    ... class Train(FlowSpec): ...
    """
    attributes: dict[str, object] = {"on_success": on_success, "on_error": on_error, "options": options}
    return decorate_flow(ExitHook, None, attributes)
