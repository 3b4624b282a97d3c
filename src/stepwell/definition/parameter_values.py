"""From what is given for parameters to their values."""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any, cast

from msgspec import Struct, field

from stepwell.definition.config_expression import ConfigScope, is_delayed
from stepwell.definition.nearest import did_you_mean, listed
from stepwell.definition.parameters import Parameter, normal, parameters_of
from stepwell.exceptions import (
    ParameterFieldFailed,
    ParameterFieldTypeMismatch,
    StepwellException,
    UsageError,
)

if TYPE_CHECKING:
    from stepwell.definition.parameter_kinds import Kind

NOTHING: Mapping[str, object] = {}


class Texts(tuple[str, ...]):
    """What was typed for an option that may be repeated."""

    __slots__ = ()


def kind_of(parameter: Parameter) -> Kind:
    """Return the type of a parameter.

    Raises
    ------
    ParameterFieldTypeMismatch
        It is none that parameters can have.
    """
    from stepwell.definition.parameter_types import kind_of  # start-up cost that only parameters pay

    return kind_of(parameter)


class ParameterSpec(Struct, frozen=True, kw_only=True):
    """What the command line needs to know of a parameter.

    Attributes
    ----------
    default_shown
        The default as ``--help`` shows it; empty when there is none to show.
    metavar
        What stands for a value in help.
    repeats
        Whether the option may be given several times.
    declared_as
        The class that declares it: ``Parameter`` or ``IncludeFile``.
    options
        What the option is given beside, as click names it.
    """

    name: str
    attribute: str
    type_name: str
    default_shown: str
    help: str
    required: bool
    is_bool: bool
    metavar: str
    repeats: bool = False
    declared_as: str = "Parameter"
    options: Mapping[str, object] = field(default_factory=dict[str, object])


class DefaultContext(Struct, frozen=True, kw_only=True):
    """What a function that computes a default gets to see."""

    flow_name: str
    user_name: str
    parameter_name: str
    ds_type: str
    logger: Callable[[str], object] = field(default=lambda text: sys.stderr.write(f"{text}\n"))
    configs: Mapping[str, object] = field(default_factory=dict[str, object])


def specs_of(flow_class: type, scope: ConfigScope | None = None) -> tuple[ParameterSpec, ...]:
    """Return the parameters of a flow as the command line needs them, without calling any function."""
    return tuple(_spec(parameter) for parameter in parameters_of(flow_class, scope))


def _spec(parameter: Parameter) -> ParameterSpec:
    try:
        kind = kind_of(parameter)
    except ParameterFieldTypeMismatch:
        kind = None  # the check of the flow says so, together with all else
    return ParameterSpec(
        name=parameter.name,
        attribute=parameter.attribute,
        type_name="?" if kind is None else kind.name,
        default_shown=_shown_default(parameter),
        help="" if parameter.help is None else str(parameter.help),
        required=parameter.required,
        is_bool=kind is not None and kind.is_bool,
        metavar="?" if kind is None else kind.metavar,
        repeats=kind is not None and kind.repeats,
        options=parameter.options,
        declared_as=type(parameter).__name__,
    )


def _shown_default(parameter: Parameter) -> str:
    if isinstance(parameter.show_default, str):
        return parameter.show_default
    default: object = parameter.default
    if default is None or parameter.show_default is False:
        return ""
    if callable(default):
        return "computed when a run starts"
    if isinstance(default, dict | list | tuple) and not is_delayed(cast("object", default)):
        import json  # start-up cost that only JSON parameters pay

        return json.dumps(default, default=str)
    if isinstance(default, Enum):
        return default.name
    return str(cast("object", default))


def resolve(
    flow_class: type,
    given: Mapping[str, object],
    scope: ConfigScope | None = None,
    *,
    known: Mapping[str, object] = NOTHING,
    user_name: str = "",
    ds_type: str = "local",
) -> dict[str, object]:
    """Return the value of each parameter by attribute name.

    Parameters
    ----------
    given
        What was given, by the parameter's name (``-`` and ``_`` alike): text, or values of its type.
    scope
        The flow's configs.
    known
        Values by attribute that hold where nothing else is given, as they are.

    Raises
    ------
    UsageError
        An unknown name, a value that does not convert, or a required one that is missing; all are listed.
    ParameterFieldFailed, ParameterFieldTypeMismatch
        A default's function raised, or a default has the wrong type.
    """
    parameters = {parameter.key: parameter for parameter in parameters_of(flow_class, scope)}
    values = {normal(name): value for name, value in given.items()}
    complaints = [_unknown(name, parameters) for name in values if name not in parameters]
    resolved: dict[str, object] = {}
    for key, parameter in parameters.items():
        if values.get(key) is not None:
            try:
                resolved[parameter.attribute] = converted(parameter, values[key])
            except ValueError as error:
                complaints.append(f"The value of --{parameter.name} is wrong: {error}.")
        elif parameter.attribute in known:
            resolved[parameter.attribute] = known[parameter.attribute]
        elif parameter.required:
            complaints.append(f"--{parameter.name} is required, but no value is given.")
    if complaints:
        raise UsageError("\n".join(complaints))
    for parameter in parameters.values():
        if parameter.attribute not in resolved:
            context = DefaultContext(
                flow_name=flow_class.__name__,
                user_name=user_name,
                parameter_name=parameter.name,
                ds_type=ds_type,
                configs={} if scope is None else scope.configs,
            )
            resolved[parameter.attribute] = _default(parameter, context)
    return {parameter.attribute: resolved[parameter.attribute] for parameter in parameters.values()}


def _unknown(name: str, parameters: Mapping[str, Parameter]) -> str:
    names = [parameter.name for parameter in parameters.values()]
    advice = did_you_mean(name, names) or (f"There are: {listed(names)}." if names else "The flow has none.")
    return f"There is no parameter `{name}`. {advice}"


def converted(parameter: Parameter, value: object) -> object:
    """Return the value in the parameter's type; a `ValueError` says what is wrong with it."""
    kind = kind_of(parameter)
    if isinstance(value, Texts):
        value = kind.read_all(value)
    else:
        value = kind.read(value) if isinstance(value, str) else kind.check(value)
    several = cast("Iterable[object]", value) if isinstance(value, list | tuple) else (value,)
    for one in several:
        _hold_rules(parameter, one)
    return cast("object", value)


def _hold_rules(parameter: Parameter, value: Any) -> None:
    try:
        if parameter.min is not None and value < parameter.min:
            raise ValueError(f"{value!r} is less than {parameter.min!r}, the least that is allowed")
        if parameter.max is not None and value > parameter.max:
            raise ValueError(f"{value!r} is more than {parameter.max!r}, the most that is allowed")
    except TypeError as error:
        raise ValueError(f"{value!r} cannot be compared with its bounds: {error}") from None
    if parameter.choices is not None and value not in parameter.choices:
        raise ValueError(f"{value!r} is none of {', '.join(map(str, parameter.choices))}")
    if parameter.pattern is not None and not re.fullmatch(parameter.pattern, str(value)):
        raise ValueError(f"{value!r} does not match the pattern {parameter.pattern!r}")


def _checked_default(parameter: Parameter, default: object) -> object:
    if default is None:
        return None
    try:
        return converted(parameter, default)
    except ValueError as error:
        if kind_of(parameter).reads_files:
            raise UsageError(f"The default of --{parameter.name} is wrong: {error}.") from None
        raise ParameterFieldTypeMismatch(
            f"The default of parameter `{parameter.name}` is wrong: {error}.", parameter.line, parameter.file
        ) from None


def _default(parameter: Parameter, context: DefaultContext) -> object:
    if not callable(parameter.default):
        return _checked_default(parameter, parameter.fixed_default)
    function = cast("Callable[[DefaultContext], object]", parameter.default)
    try:
        value = function(context)
    except StepwellException:
        raise
    except Exception as error:  # noqa: BLE001 - the user's function may raise anything
        trace = error.__traceback__.tb_next if error.__traceback__ else None
        frames = "".join(traceback.format_exception(type(error), error, trace)).rstrip()
        raise ParameterFieldFailed(
            f"The function that computes the default of parameter `{parameter.name}` failed:\n{frames}",
            parameter.line,
            parameter.file,
        ) from None
    return _checked_default(parameter, value)
