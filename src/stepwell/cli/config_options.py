"""Options that give the configs of a flow their values, and the configs of a run that is gone on with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import click
from click.core import ParameterSource
from msgspec.structs import replace

from stepwell.cli.context import CliContext
from stepwell.definition.configs_given import ConfigsGiven
from stepwell.definition.given_text import json_in
from stepwell.definition.parameters import normal
from stepwell.exceptions import FlowError, UsageError

if TYPE_CHECKING:
    from stepwell.definition.flowspec import FlowSpec
    from stepwell.definition.parameter_values import ParameterSpec
    from stepwell.model.run import RunRecord

_PATHS, _VALUES = "STEPWELL_FLOW_CONFIG", "STEPWELL_FLOW_CONFIG_VALUE"
_FROM_VARIABLES = "stepwell.configs_from_variables"
_Pairs = Iterable[tuple[str, str]]


class ConfigOption(click.Option):
    """An option of names and texts, whose variable is a JSON object of them: it gives what is not typed."""

    has_users_words = True

    def consume_value(self, ctx: click.Context, opts: Mapping[str, Any]) -> tuple[Any, ParameterSource]:
        """Return what is typed and what the variable gives beside it."""
        value, source = super().consume_value(ctx, opts)
        typed: Sequence[tuple[str, str]] = value if source is ParameterSource.COMMANDLINE else ()
        names = {normal(name) for name, _ in typed}
        more = [(name, text) for name, text in self.value_from_envvar(ctx) or () if normal(name) not in names]
        ctx.meta.setdefault(_FROM_VARIABLES, {})[self.name] = [name for name, _ in more]
        return ([*typed, *more], source) if typed or more else (value, source)

    def value_from_envvar(self, ctx: click.Context) -> list[tuple[str, str]] | None:
        """Return the names and texts that the variable gives.

        Raises
        ------
        UsageError
            It is no JSON object.
        """
        text = self.resolve_envvar_value(ctx)
        if not text:
            return None
        import json  # few commands are given configs in this way

        try:
            found = json_in(text)
        except ValueError as error:
            raise UsageError(f"Environment variable {self.envvar} is {error}.") from None
        if not isinstance(found, dict):
            raise UsageError(
                f"Environment variable {self.envvar} must be a JSON object of names and their values."
            )
        values = cast("dict[str, object]", found)
        return [(name, one if isinstance(one, str) else json.dumps(one)) for name, one in values.items()]


def config_options(prefix: str = "", note: str = "") -> list[click.Option]:
    """Return the two options; with a prefix, those of another command than all."""

    def option(name: str, metavar: str, help: str, variable: str) -> click.Option:
        return ConfigOption(
            [f"--{prefix}{name}"],
            nargs=2,
            multiple=True,
            metavar=metavar,
            help=f"{help}{note}.",
            envvar=None if prefix else variable,
            show_envvar=True,
        )

    return [
        option("config", "NAME PATH", "File that gives a Config its value", _PATHS),
        option("config-value", "NAME TEXT", "Text that gives a Config its value", _VALUES),
    ]


def configs_given(ctx: click.Context) -> ConfigsGiven:
    """Return what the options before the command, and else the variables, give.

    Raises
    ------
    UsageError
        A name is given twice.
    """
    paths = _unlike(ctx.params["config"], "--config")
    values = _unlike(ctx.params["config_value"], "--config-value")
    by_variable: Mapping[str, list[str]] = ctx.meta.get(_FROM_VARIABLES, {})
    given = {"config": (paths, _PATHS), "config_value": (values, _VALUES)}
    typed = {normal(name) for option in given for name in given[option][0] if name not in by_variable[option]}
    origins: dict[str, str] = {}
    for option, (found, variable) in given.items():
        for name in by_variable[option]:
            if normal(name) in typed:
                del found[name]  # the command line wins
            else:
                origins[name] = f"given by environment variable {variable}"
    return ConfigsGiven(paths=paths, values=values, origins=origins)


def typed_configs(given: ConfigsGiven) -> tuple[str, ...]:
    """Return the options before the command that give the same, but for what variables give."""
    words: list[str] = []
    for option, pairs in (("--config", given.paths), ("--config-value", given.values)):
        for name, text in pairs.items():
            if name not in given.origins:
                words += (option, name, str(text))
    return tuple(words)


def parameter_specs(flow_class: type[FlowSpec]) -> tuple[ParameterSpec, ...]:
    """Return the parameters as the command line needs them, which configs may have a say in."""
    from stepwell.definition.config import configs_of, scope_of
    from stepwell.definition.flow_definition import drafted
    from stepwell.definition.parameter_values import specs_of

    try:
        stored = _resolved(flow_class) if configs_of(flow_class) else {}
        drafted(flow_class, stored)  # mutators may change the parameters
        return specs_of(flow_class, scope_of(flow_class, stored))
    except (UsageError, FlowError):
        return specs_of(flow_class)  # help is to be had all the same; the command itself says what is wrong


def _resolved(flow_class: type[FlowSpec]) -> dict[str, object]:
    from stepwell.definition.config_sources import resolve_configs

    return resolve_configs(flow_class, configs_given(click.get_current_context().find_root()))


def going_on_with(
    context: CliContext, run: RunRecord | None, overriding: Mapping[str, Any] | None = None
) -> CliContext:
    """Return the context in which the flow's configs are those of a run.

    Parameters
    ----------
    overriding
        Values of the options that replace some of them.

    Raises
    ------
    UsageError
        Configs were given before the command, or an option is wrong.
    """
    typed = (*context.configs.paths, *context.configs.values)
    if refused := [name for name in typed if name not in context.configs.origins]:
        instead = " `--override-config` replaces one." if overriding is not None else ""
        why = "a run goes on with the configs it began with."
        raise UsageError(f"Config `{refused[0]}` cannot be given here: {why}{instead}")
    if run is None:
        return context
    stored = _stored(context, run)
    given = ConfigsGiven(stored=stored)
    if overriding is None:
        return replace(context, configs=given)
    paths = _unlike(overriding["override_config"], "--override-config")
    texts = _unlike(overriding["override_config_value"], "--override-config-value")
    names = {normal(name) for name in (*paths, *texts)}
    kept = {name: value for name, value in stored.items() if normal(_name(context, name)) not in names}
    return replace(context, configs=replace(given, stored=kept, paths=paths, values=texts))


def has_configs(context: CliContext) -> bool:
    """Whether the flow of a command has any."""
    from stepwell.definition.config import configs_of

    return bool(configs_of(context.flow_class or object))


def registered_run(context: CliContext, run: str) -> RunRecord | None:
    """Return the record of a run of the flow, or None."""
    from stepwell.wiring.stores import open_stores

    assert context.flow_class is not None
    stores = open_stores(settings=context.settings)
    try:
        return stores.metadata.run(context.flow_class.__name__, run)
    finally:
        stores.metadata.close()


def _stored(context: CliContext, run: RunRecord) -> dict[str, object]:
    from stepwell.definition.config import configs_of
    from stepwell.model.ids import PARAMETERS_STEP, TaskKey
    from stepwell.runtime.parameters_task import values_in
    from stepwell.wiring.stores import open_stores

    assert context.flow_class is not None
    names = [config.attribute for config in configs_of(context.flow_class)]
    stores = open_stores(settings=context.settings)
    try:
        first = stores.datastore.pack(TaskKey(run.flow, run.run, PARAMETERS_STEP, run.parameters_task))
        return {} if first is None else values_in(first, names, stores.datastore)
    finally:
        stores.metadata.close()


def _name(context: CliContext, attribute: str) -> str:
    from stepwell.definition.config import configs_of

    found = {config.attribute: config.name for config in configs_of(context.flow_class or object)}
    return found.get(attribute, attribute)


def _unlike(pairs: _Pairs, option: str) -> dict[str, str]:
    found: dict[str, str] = {}
    seen: set[str] = set()
    for name, text in pairs:
        if normal(name) in seen:
            raise UsageError(f"{option}: Config `{name}` is given twice. Leave one out.")
        seen.add(normal(name))
        found[name] = text
    return found
