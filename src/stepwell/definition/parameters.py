"""`Parameter`: a value given when a run is created, the same in all of its tasks."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, overload

from stepwell.definition.config_expression import ConfigScope, evaluated, is_delayed

if TYPE_CHECKING:
    from stepwell.definition.flowspec import FlowSpec


class JSONTypeClass:
    """The type of parameters whose value is given as JSON text and seen as the object it stands for."""

    name = "JSON"

    def __repr__(self) -> str:
        return "JSONType"


JSONType: JSONTypeClass = JSONTypeClass()

_MAY_WAIT = (
    "default", "given_type", "help", "given_required", "show_default", "separator", "multiple", "is_flag",
    "min", "max", "choices", "pattern",
)  # fmt: skip


class Parameter:
    """A parameter of a flow: an option ``--<name>`` of ``run``, and ``self.<attribute>`` in every step.

    Parameters
    ----------
    name
        Name of the option; the attribute's name if left out.
    default
        Value when none is given: a value of the type, its text, or a function of one argument (with
        ``flow_name``, ``user_name``, ``parameter_name``, ``logger``, ``ds_type``, ``configs``) that is
        called once, when a run is created.
    type
        ``str``, ``int``, ``float``, ``bool``, ``JSONType``, or any that an annotation may be. If left out, it
        comes from the annotation, else from the default, else it is ``str``. Annotations may be ``Literal``
        and ``Enum`` (choices), ``list[T]`` and ``tuple[T, ...]`` (a repeated option, or a JSON list),
        ``date``, ``datetime``, ``time``, ``timedelta`` (``7d``, ``1h30m``), ``Path``, ``dict[str, T]``,
        dataclasses, ``TypedDict`` and msgspec Structs (JSON, checked field by field), and ``T | None``.
    help
        What the parameter is for.
    required
        Whether a run without a value is refused. A default makes it void.
    show_default
        Whether ``run --help`` shows the default, or the text to show in its place.
    separator
        Split the text at this separator into a list; for ``str`` only.
    multiple
        The option may be repeated; the value is a tuple.
    is_flag
        The option is a bool, False unless it is given.
    min, max
        The least and the greatest value; of lists, of each item. Both are allowed themselves.
    choices
        The values that are allowed.
    pattern
        A regular expression that the whole text must match.
    **options
        What else an option of click can have, such as ``hidden`` or ``metavar``.

    Examples
    --------
    >>> class Train(FlowSpec):
    ...     alpha = Parameter("alpha", default=0.1, help="learning rate")
    """

    if TYPE_CHECKING:
        # Any, so that `self.alpha + 1` and `alpha: float = Parameter(...)` are right in the user's code.
        def __new__(  # noqa: PLR0913 - one for each thing there is to say
            cls,
            name: str | None = None,
            default: object = None,
            type: object = None,
            help: str | None = None,
            required: bool | None = None,
            show_default: bool | str | None = None,
            separator: str | None = None,
            multiple: bool = False,
            is_flag: bool = False,
            min: Any = None,
            max: Any = None,
            choices: Iterable[object] | None = None,
            pattern: str | None = None,
            **options: Any,
        ) -> Any: ...

    def __init__(  # noqa: PLR0913 - as above
        self,
        name: str | None = None,
        default: object = None,
        type: object = None,
        help: str | None = None,
        required: bool | None = None,
        show_default: bool | str | None = None,
        separator: str | None = None,
        multiple: bool = False,
        is_flag: bool = False,
        min: Any = None,
        max: Any = None,
        choices: Iterable[object] | None = None,
        pattern: str | None = None,
        **options: Any,
    ) -> None:
        self.name: str = str(name or "")
        self.attribute: str = ""
        self.default = default
        self.given_type = type
        self.help = help
        self.given_required = required
        self.show_default = show_default
        self.separator = separator
        self.multiple: bool = multiple
        self.is_flag: bool = is_flag
        self.min: Any = min
        self.max: Any = max
        self.pattern: str | None = pattern
        self.choices: Any = choices if choices is None or is_delayed(choices) else tuple(choices)
        self.options: Mapping[str, Any] = options
        self._owner: Any = None
        caller = sys._getframe(1)  # pyright: ignore[reportPrivateUsage] - the line that errors speak of
        self.file: str = caller.f_code.co_filename
        self.line: int = caller.f_lineno

    def __set_name__(self, owner: Any, attribute: str) -> None:
        self._owner = owner
        self.attribute = attribute
        self.name = self.name or attribute

    @overload
    def __get__(self, flow: None, owner: Any) -> Parameter: ...
    @overload
    def __get__(self, flow: FlowSpec, owner: Any) -> Any: ...
    def __get__(self, flow: FlowSpec | None, owner: Any) -> Any:
        # No __set__: once loaded, the value in the object's dictionary is found before this is asked.
        live: Any = None if flow is None else flow.__dict__.get("__live")
        if flow is None or live is None:
            return self
        value = flow.__dict__[self.attribute] = live.load(self.attribute)
        return value

    @property
    def required(self) -> bool:
        """Whether a run without a value is refused."""
        return not is_delayed(self.given_required) and bool(self.given_required) and self.default is None

    def with_configs(self, scope: ConfigScope) -> Parameter:
        """Return the parameter with its expressions over configs computed.

        Raises
        ------
        FlowError
            One cannot be computed.
        """
        if not is_delayed([getattr(self, field) for field in _MAY_WAIT]):
            return self
        ready = copy.copy(self)
        for field in _MAY_WAIT:
            what = f"`{field.removeprefix('given_')}` of parameter `{self.name}`"
            setattr(ready, field, evaluated(getattr(self, field), scope, what))
        return ready

    @property
    def key(self) -> str:
        """The name as it is compared: lower case, ``_`` for ``-``."""
        return normal(self.name)

    @property
    def fixed_default(self) -> Any:
        """The default, if it is known already and no function computes it."""
        if is_delayed(self.default) or callable(self.default):
            return None
        return False if self.is_flag and self.default is None else self.default

    def annotation(self) -> tuple[Any, str]:
        """Return what the attribute is annotated with, or None; and why that has no meaning, if it has none.

        Names that are imported for type checkers alone have none: then the default says the type.
        """
        try:
            found: Any = getattr(self._owner, "__annotations__", {}).get(self.attribute)
            while isinstance(found, str):
                owner: type = self._owner
                found = eval(found, vars(sys.modules[owner.__module__]), dict(vars(owner)))
        except Exception as error:  # noqa: BLE001 - the user's expression may raise anything; `check` tells of it
            return None, f"{type(error).__name__}: {error}"
        return (None if found is Any else found), ""


MUTATED = "__stepwell_parameters__"
"""Attribute of a flow's class: its parameters, if mutators have changed them."""


def normal(name: str) -> str:
    """Return a parameter's name as it is compared: lower case, ``_`` for ``-``."""
    return name.replace("-", "_").lower()


def parameters_of(flow_class: type, scope: ConfigScope | None = None) -> tuple[Parameter, ...]:
    """Return the parameters of a class in the order of the source; those of base classes first.

    Parameters
    ----------
    scope
        Configs that expressions are computed from; they stay as they are without it.
    """
    mutated = vars(flow_class).get(MUTATED)
    if mutated is not None:
        return mutated
    found: dict[str, Parameter] = {}
    for owner in reversed(flow_class.__mro__):
        for name, value in vars(owner).items():
            if isinstance(value, Parameter):
                found[name] = value
            elif name in found:
                del found[name]
    if scope is None:
        return tuple(found.values())
    return tuple(parameter.with_configs(scope) for parameter in found.values())
