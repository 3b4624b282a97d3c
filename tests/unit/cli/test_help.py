"""Every command explains its options in full, and each option has a variable that works."""

import re

import click
import pytest
from click.core import ParameterSource

from stepwell.cli.config_options import ConfigOption
from stepwell.cli.flow_cli import flow_group
from stepwell.cli.lazy_group import COMMANDS, load_command
from stepwell.cli.main import stepwell_group
from stepwell.definition.flowspec import FlowSpec
from stepwell.definition.parameters import Parameter
from stepwell.definition.step import step
from stepwell.settings.keys import is_known


class Explained(FlowSpec):
    """A flow with a parameter of each kind."""

    alpha = Parameter("alpha", default=0.5, help="learning rate")
    count = Parameter("count-all", type=int, required=True, help="how many")
    careful = Parameter("careful", default=True, help="take care")
    names = Parameter("names", default="a,b", separator=",", help="who")
    tag = Parameter("verbose", default="x", help="has the name of an option")

    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


def all_commands(command, path=()):
    """The command and those below it, each with its words."""
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from all_commands(inner, (*path, name))


PUBLIC = {
    " ".join(path): command
    for name, entry in COMMANDS.items()
    if not entry.hidden
    for path, command in all_commands(load_command(entry, Explained if entry.flow else None), (name,))
}
PUBLIC["(flow)"] = flow_group(Explained, "python flow.py")
PUBLIC["(stepwell)"] = stepwell_group()

OPTIONS = {
    f"{name} {option.opts[0]}": (name, option)
    for name, command in PUBLIC.items()
    for option in command.params
    if isinstance(option, click.Option) and not option.is_eager  # `--version` is a command, in other words
}
EVERY_OPTION = pytest.mark.parametrize("place", OPTIONS)


def help_of(command, name):
    return " ".join(command.get_help(click.Context(command, info_name=name)).split())


def context(command, args):
    """Parse a command line, with what the command needs beside the options."""
    needed = [
        "word"
        for argument in command.params
        if isinstance(argument, click.Argument) and argument.required
        for _ in range(abs(argument.nargs))
    ]
    return command.make_context("command", [*args, *needed])


def sample(option):
    """A text that the option takes, and the same as arguments."""
    flag = max(option.opts, key=len)
    if option.is_flag:
        return "1", [flag]
    one = "2" if isinstance(option.type, click.IntRange | click.FloatRange) else "word"
    if isinstance(option.type, click.Choice):
        one = option.type.choices[0]
    if not option.multiple:
        return one, [flag, one]
    values = [one] * option.nargs
    if isinstance(option, ConfigOption):
        return '{"word": "word"}', [flag, *values]
    return " ".join(values + values), [flag, *values, flag, *values]


# SPEC 9.1-3
@pytest.mark.parametrize("name", PUBLIC)
def test_every_command_says_what_it_does(name):
    assert re.match(r"[A-Z].+\.", PUBLIC[name].help or "")


# SPEC 9.1-3
@EVERY_OPTION
def test_help_shows_an_option_with_type_text_default_and_variable(place):
    name, option = OPTIONS[place]
    shown = help_of(PUBLIC[name], name)
    start = shown.index(f"{max(option.opts, key=len)} ")
    words = shown[start : shown.index("]", shown.index("[env var: ", start)) + 1]

    assert option.help and option.help.split("  [")[0] in words
    assert f"env var: {option.envvar}" in words
    kind = option.metavar or ("[" if isinstance(option.type, click.Choice) else option.type.name.upper())
    assert option.is_flag or words.startswith(f"{max(option.opts, key=len)} {kind}")
    has_default = option.default not in (None, False, (), "") and "UNSET" not in repr(option.default)
    assert not has_default or "default: " in words


# SPEC 9.1-3
@EVERY_OPTION
def test_the_text_of_an_option_is_a_sentence(place):
    _, option = OPTIONS[place]

    users = str(option.name).startswith("parameter:")
    assert users or re.match(r"[A-Z].+\.(  \[.*\])?$", option.help, re.DOTALL)


# SPEC 9.2-1, 3.4-2
def test_help_shows_how_configs_are_given_and_by_which_variables():
    shown = help_of(PUBLIC["(flow)"], "flow")

    for words in (
        "--config NAME PATH File that gives a Config its value. [env var: STEPWELL_FLOW_CONFIG]",
        "--config-value NAME TEXT Text that gives a Config its value. [env var: STEPWELL_FLOW_CONFIG_VALUE]",
    ):
        assert words in shown


# SPEC 3.1-13
# SPEC 9.1-3
def test_help_shows_type_default_and_variable_of_each_parameter():
    shown = help_of(PUBLIC["run"], "run")

    for words in (
        "--alpha FLOAT learning rate [default: 0.5] [env var: STEPWELL_RUN_ALPHA]",
        "--count-all INT how many [required] [env var: STEPWELL_RUN_COUNT_ALL]",
        "--careful BOOL take care [default: True] [env var: STEPWELL_RUN_CAREFUL]",
        "--names STR who [default: a,b] [env var: STEPWELL_RUN_NAMES]",
        "--verbose STR has the name of an option [default: x] [env var: STEPWELL_RUN_VERBOSE]",
        "--stepwell-verbose Print the start and end of every task of a wide step. "
        "[env var: STEPWELL_RUN_STEPWELL_VERBOSE]",
    ):
        assert words in shown


# SPEC 9.1-7
@EVERY_OPTION
def test_a_variable_does_what_its_option_does_and_the_command_line_wins(place, monkeypatch):
    name, option = OPTIONS[place]
    text, args = sample(option)
    command = PUBLIC[name]
    given = context(command, args).params[option.name]
    assert given != context(command, []).params[option.name] or option.default

    with monkeypatch.context() as variables:
        variables.setenv(option.envvar, text)
        by_variable = context(command, [])
        by_both = context(command, args)

    assert by_variable.params[option.name] == given
    assert by_variable.get_parameter_source(option.name) is ParameterSource.ENVIRONMENT
    assert by_both.get_parameter_source(option.name) is ParameterSource.COMMANDLINE


# SPEC 9.1-7
def test_no_two_options_of_a_command_have_one_variable():
    for name, command in PUBLIC.items():
        variables = [option.envvar for place, option in OPTIONS.values() if place == name]
        assert len(variables) == len(set(variables)), command


# SPEC 9.1-7
@EVERY_OPTION
def test_the_variable_of_an_option_is_a_known_setting(place):
    name, option = OPTIONS[place]
    path = "" if name.startswith("(") else f"{name.upper().replace('-', '_').replace(' ', '_')}_"

    assert option.envvar.startswith(f"STEPWELL_{path}") or option.envvar == "STEPWELL_PROFILE"
    assert is_known(option.envvar.removeprefix("STEPWELL_"))
