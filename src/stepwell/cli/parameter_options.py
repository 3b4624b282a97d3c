"""Options of a command that stand for the parameters of a flow, and what their values are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click
from click.core import ParameterSource

from stepwell.cli.context import CliContext
from stepwell.definition.parameter_values import Texts
from stepwell.definition.parameters import normal
from stepwell.exceptions import UsageError

if TYPE_CHECKING:
    from stepwell.definition.flow_definition import FlowDefinition
    from stepwell.definition.parameter_values import ParameterSpec

_PARAMETER = "parameter:"
_FILE = "params_file"


def parameter_options(specs: Iterable[ParameterSpec], overriding: bool = False) -> list[click.Option]:
    """Return the options, in the order of the parameters.

    Parameters
    ----------
    overriding
        The parameters have values already, which only this command's own options and variables change.
    """
    known = list(specs)
    made = [option for spec in known for option in _options_of(spec, overriding)]
    taken = any(normal(spec.name) == _FILE for spec in known)
    return [
        *made,
        click.Option(
            [_FILE, "--stepwell-params-file" if taken else "--params-file"],
            type=click.Path(dir_okay=False, path_type=Path),
            help="File with values of parameters: JSON, TOML or YAML; single options win.",
        ),
    ]


class ParameterOption(click.Option):
    """An option whose value is text, checked where parameters are resolved."""

    has_users_words = True

    def __init__(self, spec: ParameterSpec, flags: list[str], overriding: bool, **more: Any) -> None:
        # Values that a run has already are not changed by what is set for new runs.
        variable = None if overriding else "STEPWELL_RUN_" + spec.name.upper().replace("-", "_")
        super().__init__(flags, envvar=variable, show_envvar=variable is not None, **more)
        self.name = _PARAMETER + spec.name

    def value_from_envvar(self, ctx: click.Context) -> Any:
        """Return the text of the variable whole: click would split it at spaces."""
        text = self.resolve_envvar_value(ctx)
        return [text] if text is not None and self.multiple else text


def _options_of(spec: ParameterSpec, overriding: bool) -> list[click.Option]:
    notes = f"  [default: {spec.default_shown}]" if spec.default_shown else ""
    notes += "  [required]" if spec.required else ""
    if overriding:
        notes = "  [default: the value it had]"
    more: dict[str, Any] = {"metavar": spec.metavar, "multiple": spec.repeats, **spec.options}
    if spec.is_bool:
        more |= {"flag_value": "True", "is_flag": False}
    flags = ["value", f"--{spec.name}"]
    option = ParameterOption(spec, flags, overriding, help=spec.help + notes, **more)
    if not spec.is_bool:
        return [option]
    no = click.Option(["value", f"--no-{spec.name}"], is_flag=True, help=f"The same as --{spec.name} False.")
    no.name = f"no-{_PARAMETER}{spec.name}"
    return [option, no]


def resolved(
    ctx: click.Context, context: CliContext, definition: FlowDefinition, values: Mapping[str, Any]
) -> dict[str, object]:
    """Return the values of the flow's parameters by attribute, from the options of a command.

    Raises
    ------
    UsageError
        Values are wrong or missing; all are listed, with the variables that gave them.
    """
    from stepwell.definition.parameter_values import resolve

    given, variables = given_values(ctx, values)
    try:
        kind = context.settings.text("DEFAULT_DATASTORE")
        user, scope = context.settings.user, definition.scope
        return resolve(definition.flow_class, given, scope, user_name=user, ds_type=kind)
    except UsageError as error:
        source = f"\n({'; '.join(variables)}.)" if variables else ""
        raise UsageError(f"{error}{source}\nSee `{ctx.command_path} --help`.") from error


def given_values(ctx: click.Context, values: Mapping[str, Any]) -> tuple[dict[str, object], list[str]]:
    """Return the values that were given, by the parameter's name; and, in words, which not by an option."""
    file: Path | None = values.get(_FILE)
    given: dict[str, object] = {} if file is None else _of_file(file)
    variables = [f"values that no option gives are from {file}"] if given else []
    keys = {normal(name): name for name in given}
    for option in ctx.command.params:
        if isinstance(option, ParameterOption):
            name = option.name.removeprefix(_PARAMETER)
            value: object = values[option.name]
            if values.get(f"no-{option.name}"):
                value = "False"
            elif value is not None and ctx.get_parameter_source(option.name) is ParameterSource.ENVIRONMENT:
                if normal(name) in keys:
                    continue  # a file on the command line wins
                variables.append(f"--{name} is given by {option.envvar}")
            if isinstance(value, tuple):
                texts = cast("tuple[str, ...]", value)
                value = Texts(texts) if texts else None
            if value is not None:
                given.pop(keys.get(normal(name), ""), None)
                given[name] = value
    return given, variables


def _of_file(file: Path) -> dict[str, object]:
    from stepwell.cli.params_file import values_in

    return values_in(file)
