"""What is wrong with the declarations of a flow's parameters. All of it is reported at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from stepwell.definition.config_expression import ConfigScope
from stepwell.definition.nearest import did_you_mean, listed
from stepwell.definition.parameter_values import converted, kind_of
from stepwell.definition.parameters import Parameter, normal, parameters_of
from stepwell.definition.place import place
from stepwell.exceptions import ParameterFieldTypeMismatch, Problem

_NAME = re.compile(r"\w[\w-]*")
_ATTRIBUTES = (
    "default", "type", "help", "required", "show_default", "separator", "multiple", "is_flag", "min", "max",
    "choices", "pattern",
)  # fmt: skip
_RESERVED = frozenset(
    (
        "help",
        "params",
        "with",
        "tag",
        "tags",
        "namespace",
        "obj",
        "decospecs",
        "run_id_file",
        "run_id",
        "task_id",
        "max_num_splits",
        "max_workers",
        "max_log_size",
        "user_namespace",
        "runner_attribute_file",
    )
)


def parameter_problems(flow_class: type, scope: ConfigScope) -> Iterator[Problem]:
    """Yield what is wrong with the declarations of a flow's parameters."""
    seen: dict[str, Parameter] = {}
    parameters = parameters_of(flow_class, scope)
    for parameter in parameters:
        where = place(parameter.file, parameter.line)
        yield from _of_name(parameter, where)
        if other := seen.get(parameter.key):
            what = f"parameters `{other.name}` and `{parameter.name}` differ only in case, or in `-` and `_`"
            yield Problem(what=what, where=where, fix="Rename one of them.", rule="parameter-twice")
        seen[parameter.key] = parameter
        yield from _of_type(parameter, where)
    yield from _taken_by_bools(seen)


def _of_name(parameter: Parameter, where: str) -> Iterator[Problem]:
    if parameter.key in _RESERVED:
        what = f"parameter `{parameter.name}` has a name that the command line needs itself"
        yield Problem(what=what, where=where, fix="Give it another name.", rule="reserved-parameter")
    if not _NAME.fullmatch(parameter.name):
        what = f"{parameter.name!r} cannot be the name of a parameter, which is an option of the command line"
        fix = "Use letters, digits, `-` and `_`, and do not begin with `-`."
        yield Problem(what=what, where=where, fix=fix, rule="parameter-name")


def _of_type(parameter: Parameter, where: str) -> Iterator[Problem]:
    try:
        kind = kind_of(parameter)
    except (ParameterFieldTypeMismatch, ValueError) as error:
        what, _, fix = str(getattr(error, "message", error)).partition(". ")
        yield Problem(what=what, where=where, fix=fix, rule="parameter-type")
        return
    separator = parameter.separator
    if separator is not None and (kind.name != "str" or not separator):
        what = f"parameter `{parameter.name}` has the separator {separator!r}, and its type is"
        fix = "Only str can be split, and only at some text."
        rule = "parameter-separator"
        yield Problem(what=f"{what} {kind.name}", where=where, fix=fix, rule=rule)
    elif parameter.fixed_default is not None and not kind.reads_files:
        try:
            converted(parameter, parameter.fixed_default)
        except ValueError as error:
            what = f"the default of parameter `{parameter.name}` is wrong: {error}"
            fix = "Give it another default, or another type."
            yield Problem(what=what, where=where, fix=fix, rule="parameter-default")
    yield from _of_options(parameter, where)


def _of_options(parameter: Parameter, where: str) -> Iterator[Problem]:
    if not parameter.options:
        return
    import inspect  # few parameters have further options

    import click

    known = {*inspect.signature(click.Option).parameters, *inspect.signature(click.Parameter).parameters}
    for name in parameter.options.keys() - known:
        what = f"parameter `{parameter.name}` has no attribute `{name}`"
        fix = did_you_mean(name, (*_ATTRIBUTES, *known)) or f"There are: {listed(_ATTRIBUTES)}."
        yield Problem(what=what, where=where, fix=fix, rule="parameter-attribute")


def _taken_by_bools(parameters: Mapping[str, Parameter]) -> Iterator[Problem]:
    """A bool has two options: `--x` and `--no-x`."""
    for parameter in parameters.values():
        other = parameters.get(normal(f"no-{parameter.name}"))
        if other is not None and _is_bool(parameter):
            what = f"`--{other.name}` is a parameter, and means `--{parameter.name} False` as well"
            where = place(other.file, other.line)
            yield Problem(what=what, where=where, fix="Rename one of the two.", rule="parameter-twice")


def _is_bool(parameter: Parameter) -> bool:
    try:
        return kind_of(parameter).is_bool
    except (ParameterFieldTypeMismatch, ValueError):
        return False
