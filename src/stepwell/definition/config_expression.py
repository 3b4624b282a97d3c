"""Expressions over configs: they stand in for values until the configs of a run are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, cast

from msgspec import Struct

from stepwell.exceptions import FlowError, StepwellException

_UNPACKED = "**"


class ConfigScope(Struct, frozen=True):
    """What an expression sees.

    Attributes
    ----------
    configs
        Their values, by attribute of the flow.
    module
        Names of the module that defines the flow.
    """

    configs: Mapping[str, object]
    module: Mapping[str, object]


class ConfigExpr:
    """A value that is computed once configs are known; attributes and items of it are such values too.

    Parameters
    ----------
    text
        The expression as it is written.
    """

    def __init__(self, text: str, compute: Callable[[ConfigScope], object]) -> None:
        self._text = text
        self._compute = compute

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what Python itself asks of any object
            raise AttributeError(name)
        return ConfigExpr(f"{self._text}.{name}", lambda scope: getattr(self._compute(scope), name))

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str) and key.startswith(_UNPACKED):
            return self
        return ConfigExpr(f"{self._text}[{key!r}]", lambda scope: cast("Any", self._compute(scope))[key])

    def keys(self) -> tuple[str, ...]:
        """Let ``**config.part`` hand over one keyword, from which the real ones come later."""
        return (f"{_UNPACKED}{self._text}",)

    def __repr__(self) -> str:
        return self._text

    def __iter__(self) -> NoReturn:
        self._too_early("iterated over")

    def __bool__(self) -> NoReturn:
        self._too_early("tested")

    def __len__(self) -> NoReturn:
        self._too_early("measured")

    def __contains__(self, _key: object) -> NoReturn:
        self._too_early("looked into")

    def _compute_with(self, *_others: object) -> NoReturn:
        self._too_early("computed with")

    if not TYPE_CHECKING:  # what is read of a config has any type in the user's code
        __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __neg__ = _compute_with
        __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _compute_with
        __lt__ = __le__ = __gt__ = __ge__ = _compute_with

    def _too_early(self, what: str) -> NoReturn:
        raise FlowError(
            f"`{self._text}` is {what} while the flow's file is imported. The values of configs are known "
            "only later, when a command begins. Write the whole expression as text: "
            f'`config_expr("... {self._text} ...")`; or compute it in a step.'
        )


def is_delayed(value: object) -> bool:
    """Whether a value is an expression over configs, or a list, tuple or dictionary that holds one."""
    if isinstance(value, ConfigExpr):
        return True
    if type(value) in (list, tuple):
        return any(map(is_delayed, cast("list[object]", value)))
    return type(value) is dict and any(map(is_delayed, cast("dict[object, object]", value).values()))


def evaluated(value: Any, scope: ConfigScope, what: str) -> Any:
    """Return the value with every expression in it computed.

    Parameters
    ----------
    what
        What the value is for, in words, for errors.

    Raises
    ------
    FlowError
        An expression cannot be computed.
    """
    if isinstance(value, ConfigExpr):
        return _computed(value, scope, what)
    if not is_delayed(value):
        return value
    if type(value) in (list, tuple):
        listed = cast("list[object]", value)
        return type(listed)(evaluated(one, scope, what) for one in listed)
    result: dict[Any, object] = {}
    for key, inner in cast("dict[Any, object]", value).items():
        found = evaluated(inner, scope, what)
        if not (isinstance(key, str) and key.startswith(_UNPACKED)):
            result[key] = found
        elif isinstance(found, Mapping):
            result.update(cast("Mapping[str, object]", found))
        else:
            raise FlowError(
                f"{what}: `{key}` cannot be unpacked: the value is {type(found).__name__}, no mapping."
            )
    return result


def _computed(expression: ConfigExpr, scope: ConfigScope, what: str) -> object:
    try:
        return expression._compute(scope)  # pyright: ignore[reportPrivateUsage] - any other name could be a key
    except StepwellException:
        raise
    except Exception as error:
        raise FlowError(
            f"{what} is `{expression!r}`, which cannot be computed: {type(error).__name__}: {error}"
        ) from error
