"""What click says of a wrong command line, in our words: what is wrong, the rule, and what is near."""

from __future__ import annotations

import re
from typing import Any, cast

import click
from click.core import ParameterSource

from stepwell.cli.options import global_options
from stepwell.definition.nearest import did_you_mean, listed

_TOO_MANY = re.compile(r"Got unexpected extra arguments? \((.*)\)", re.DOTALL)
_GLOBAL = frozenset(name for option in global_options() for name in (*option.opts, *option.secondary_opts))
_VALUE = re.compile(r"(?:'(?P<quoted>.*)'|(?P<plain>\S+)) is not ", re.DOTALL)


def usage_words(error: click.ClickException) -> str:
    """Return the message for an error of the command line."""
    if isinstance(error, click.NoSuchOption):
        if error.option_name in _GLOBAL:
            return f"`{error.option_name}` is for all commands, and stands before the command's name."
        near = did_you_mean(error.option_name, error.possibilities or ())
        return f"there is no option `{error.option_name}`. {near}".strip()
    if isinstance(error, click.BadOptionUsage) and "requires" in error.message:
        return f"`{error.option_name}` needs a value."
    if isinstance(error, click.MissingParameter) and error.param is not None:
        return f"{_name(error.param)} is missing."
    if isinstance(error, click.BadParameter) and error.param is not None:
        value = _VALUE.match(error.message)
        given = "" if value is None else value["quoted"] or value["plain"] or ""
        if rule := value and _rule(error.param.type, given):
            return f"{_name(error.param)} cannot be {given!r}{_origin(error.ctx, error.param)}. {rule}"
        return f"{_name(error.param)}: {error.message}"
    too_many = _TOO_MANY.fullmatch(error.message)
    return f"`{too_many[1]}` is too much." if too_many else error.format_message()


def _name(parameter: click.Parameter) -> str:
    if isinstance(parameter, click.Option):
        return f"`{max(parameter.opts, key=len)}`"
    return f"`{parameter.human_readable_name}`"


def _origin(ctx: click.Context | None, parameter: click.Parameter) -> str:
    name = parameter.name or ""
    is_variable = ctx is not None and ctx.get_parameter_source(name) is ParameterSource.ENVIRONMENT
    return f", which {parameter.envvar} gives" if is_variable else ""


def _rule(kind: Any, given: str) -> str:
    """Return what a value of the option's type must be, and what is near the given one; or an empty text."""
    if isinstance(kind, click.Choice):
        choices = [str(choice) for choice in cast("click.Choice[object]", kind).choices]
        return f"It must be one of {listed(choices)}. {did_you_mean(given, choices)}".strip()
    if not isinstance(kind, click.types.IntParamType | click.types.FloatParamType):
        return ""
    number = "a whole number" if isinstance(kind, click.types.IntParamType) else "a number"
    least = getattr(kind, "min", None)
    if least is None:
        return f"It must be {number}."
    return f"It must be {number}{' above' if getattr(kind, 'min_open', False) else ', at least'} {least}."
