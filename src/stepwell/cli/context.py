"""What every command gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from msgspec import Struct
from msgspec.structs import replace

from stepwell.cli.console import Console
from stepwell.definition.configs_given import NOTHING_GIVEN, ConfigsGiven
from stepwell.exceptions import FlowError, GraphError, UsageError
from stepwell.settings.settings import Settings

if TYPE_CHECKING:
    from stepwell.definition.flow_definition import FlowDefinition, Outline
    from stepwell.definition.flowspec import FlowSpec

_GIVEN_CONFIGS = ("run", "show")


class CliContext(Struct, frozen=True, kw_only=True):
    """Built once from the global options.

    Attributes
    ----------
    program
        What the user typed before the command, for hints: ``python flow.py`` or ``stepwell``.
    flow_class
        The flow, unless the command needs no source.
    target
        How the user named the flow's file; empty if that is the program.
    extended_checks
        Whether the bodies of steps are checked as well.
    store_options
        Options before the command that say where results are, as they were typed.
    config_options
        Options before the command that give the flow's configs, as they were typed.
    configs
        What is given for the flow's configs.
    """

    console: Console
    settings: Settings
    program: str
    flow_class: type[FlowSpec] | None = None
    target: str = ""
    with_specs: tuple[str, ...] = ()
    quiet: bool = False
    extended_checks: bool = True
    store_options: tuple[str, ...] = ()
    config_options: tuple[str, ...] = ()
    configs: ConfigsGiven = NOTHING_GIVEN

    def define(
        self,
        with_specs: tuple[str, ...] = (),
        by_setting: bool = True,
        only: str = "",
        look_into_steps: bool = True,
    ) -> FlowDefinition:
        """Check the flow and return its definition; decorators of the command go before the global ones.

        Parameters
        ----------
        by_setting
            Whether to attach decorators that the settings name.
        only
            The step that decorators are attached to, if it is not all.
        look_into_steps
            Whether their bodies must be right, unless ``--no-pylint`` is given.

        Raises
        ------
        FlowError, UsageError
            The flow is not valid, or a decorator that is not in its source.
        """
        from stepwell.definition.flow_definition import define  # commands without a flow need none of it

        assert self.flow_class is not None, "only commands of a flow ask for its definition"
        typed = (*with_specs, *self.with_specs)
        more = self.settings.decospecs if by_setting else ()
        in_full = look_into_steps and self.extended_checks
        try:
            definition = define(self.flow_class, (*typed, *more), self._configs(), only)
        except GraphError as error:
            raise (_with_mistakes_in_steps(error, self.flow_class) if in_full else error) from None
        except (UsageError, FlowError) as error:
            if any(f"`--with {spec}`" in error.message for spec in more if spec not in typed):
                error.message += f" It is given by {self.settings.value('DEFAULT_DECOSPECS').origin}."
            raise
        if in_full:
            _look_into_steps(definition)
        return definition

    def outline(self) -> Outline:
        """Check the flow's graph alone.

        Raises
        ------
        GraphError
            It is not valid.
        """
        from stepwell.definition.flow_definition import outline

        assert self.flow_class is not None, "only commands of a flow ask for its graph"
        return outline(self.flow_class)

    def _configs(self) -> ConfigsGiven:
        from stepwell.definition.config import configs_of

        if not configs_of(self.flow_class or object):
            return self.configs
        return replace(self.configs, user_name=self.settings.user)

    def command_line(self, command: str) -> str:
        """Return how a command is called that works with the same results as this one."""
        # A run that is gone on with has its configs.
        options = (*self.store_options, *(self.config_options if command in _GIVEN_CONFIGS else ()))
        if not options:
            return f"{self.program} {command}"
        from shlex import join  # start-up cost that only these pay

        return f"{self.program} {join(options)} {command}"

    def hint(self, command: str, pathspec: str) -> str:
        """Return the command line that a user can type next; ``pathspec`` starts with the flow's name."""
        if self.program != "stepwell":
            pathspec = pathspec.partition("/")[2]
        return f"{self.command_line(command)} {pathspec}"

    def flow_hint(self, command: str, *words: str) -> str:
        """Return the line of a command that needs the flow's source."""
        return " ".join(filter(None, (self.command_line(command), self.target, *words)))


def current_context() -> CliContext:
    """Return the context of the command that is being carried out."""
    context = click.get_current_context().find_object(CliContext)
    assert context is not None, "every command stands in a group that makes the context"
    return context


def _look_into_steps(definition: FlowDefinition) -> None:
    from stepwell.definition.extended_checks import problems_in_steps  # `--no-pylint` does without

    found = problems_in_steps(definition.flow_class, definition.graph, definition.decorators)
    mistakes = [problem for problem in found if problem.severity == "error"]
    if mistakes:
        raise GraphError(mistakes)


def _with_mistakes_in_steps(error: GraphError, flow_class: type) -> GraphError:
    """Return an error of the graph with what is wrong in the steps, so that all of it is told at once."""
    from stepwell.definition.extended_checks import all_problems  # only mistakes pay for it

    found = all_problems(error.problems, flow_class)
    return GraphError([problem for problem in found if problem.severity == "error"])
