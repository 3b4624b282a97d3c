"""`Parameter`: a value given when a run is created, the same in all of its tasks."""

from __future__ import annotations

import copy
import sys
from typing import TYPE_CHECKING, Any, overload

from stepwell.definition.config_expression import ConfigScope, evaluated, is_delayed
from stepwell.exceptions import ParameterFieldTypeMismatch

if TYPE_CHECKING:
    from stepwell.definition.flowspec import FlowSpec


class JSONTypeClass:
    """The type of parameters whose value is given as JSON text and seen as the object it stands for."""

    name = "JSON"

    def __repr__(self) -> str:
        return "JSONType"


JSONType: JSONTypeClass = JSONTypeClass()

ParameterType = type[str] | type[int] | type[float] | type[bool] | JSONTypeClass
_SCALARS: dict[str, ParameterType] = {"str": str, "int": int, "float": float, "bool": bool}
_MAY_WAIT = ("default", "given_type", "help", "given_required", "show_default", "separator")
_TYPE_NAMES = "str, int, float, bool and JSONType"


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
        ``str``, ``int``, ``float``, ``bool`` or ``JSONType``. If left out, it comes from the annotation,
        else from the default, else it is ``str``.
    help
        What the parameter is for.
    required
        Whether a run without a value is refused. A default makes it void.
    show_default
        Whether ``run --help`` shows the default, or the text to show in its place.
    separator
        Split the text at this separator into a list; for ``str`` only.

    Examples
    --------
    >>> class Train(FlowSpec):
    ...     alpha = Parameter("alpha", default=0.1, help="learning rate")
    """

    if TYPE_CHECKING:
        # Any, so that `self.alpha + 1` and `alpha: float = Parameter(...)` are right in the user's code.
        def __new__(
            cls,
            name: str | None = None,
            default: object = None,
            type: object = None,
            help: str | None = None,
            required: bool | None = None,
            show_default: bool | str | None = None,
            separator: str | None = None,
        ) -> Any: ...

    def __init__(
        self,
        name: str | None = None,
        default: object = None,
        type: object = None,
        help: str | None = None,
        required: bool | None = None,
        show_default: bool | str | None = None,
        separator: str | None = None,
    ) -> None:
        self.name: str = str(name or "")
        self.attribute: str = ""
        self.default = default
        self.given_type = type
        self.help = help
        self.given_required = required
        self.show_default = show_default
        self.separator = separator
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
    def type(self) -> ParameterType:
        """The parameter's type.

        Raises
        ------
        ParameterFieldTypeMismatch
            The type is none that parameters can have.
        """
        given = self.given_type
        if given is None:
            given = self._annotated_type()
        if given is None and not (self.default is None or callable(self.default) or is_delayed(self.default)):
            given = _type_of_default(self.default)
        if given is None:
            return str
        if (
            given is str
            or given is int
            or given is float
            or given is bool
            or isinstance(given, JSONTypeClass)
        ):
            return given
        shown = getattr(given, "__name__", repr(given))
        raise ParameterFieldTypeMismatch(
            f"parameter `{self.name}` has the type {shown}. This version supports {_TYPE_NAMES}.",
            self.line,
            self.file,
        )

    @property
    def type_name(self) -> str:
        """The type as users read it."""
        kind = self.type
        return kind.name if isinstance(kind, JSONTypeClass) else kind.__name__

    def _annotated_type(self) -> ParameterType | None:
        annotation = getattr(self._owner, "__annotations__", {}).get(self.attribute)
        text: str = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
        return _SCALARS.get(text)


def _type_of_default(default: object) -> object:
    return JSONType if isinstance(default, dict | list) else type(default)


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
