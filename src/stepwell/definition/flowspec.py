"""`FlowSpec`: the class that users subclass, and the small API that the body of a step sees."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn, SupportsIndex, cast

from stepwell.definition.mistakes import tell_mistakes

tell_mistakes()  # from here on, Ctrl-C while the rest is imported is told in our words

from stepwell.definition.step import steps_of  # noqa: E402
from stepwell.exceptions import (  # noqa: E402
    InvalidNextException,
    StepArgumentError,
    UnpicklableArtifactException,
)

if TYPE_CHECKING:
    from stepwell.definition.live import LiveStep

LIVE = "__live"
FRAMEWORK_NAMES = frozenset({"_current_step", "_foreach_stack", "_graph"})
_importing: list[bool] = []


class FlowSpec:
    """A workflow. Subclass it, write steps as methods marked by ``@step``, and instantiate it at the end.

    Parameters
    ----------
    use_cli
        Run the command line on ``sys.argv``. With False the object is inert: it has a ``name``, iterates
        over its steps, reads no argument and starts nothing.

    Examples
    --------
    >>> if __name__ == "__main__":
    ...     Hello()
    """

    def __init__(self, use_cli: bool = True) -> None:
        if use_cli and not _importing:
            # The one reference upward: whoever runs `python flow.py` starts at the bottom of the layers.
            from importlib import import_module

            with import_module("stepwell.runtime.signals").interrupts_deferred():
                flow_cli = import_module("stepwell.cli.flow_cli")
            flow_cli.main(type(self))

    @property
    def name(self) -> str:
        """The flow's name, which is the name of its class."""
        return type(self).__name__

    @property
    def script_name(self) -> str:
        """Base name of the file that defines the flow."""
        module = sys.modules.get(type(self).__module__)
        path = getattr(module, "__file__", None) or ""
        return path.replace("\\", "/").rpartition("/")[2]

    @property
    def input(self) -> Any:
        """The current foreach item; None outside a foreach."""
        live = live_of(self)
        return None if live is None else live.input

    @property
    def index(self) -> int | None:
        """The current foreach index, from 0; None outside a foreach."""
        live = live_of(self)
        return None if live is None else live.index

    def next(
        self, *targets: Callable[..., object] | dict[Any, Callable[..., object]], **options: Any
    ) -> None:
        """Say which step, or steps, come next. Must be the last statement of every step but the exit.

        Parameters
        ----------
        *targets
            Steps of this flow, as ``self.<name>``. Several of them open a static split, whose branches
            meet in one join. A dictionary of steps by value is a switch, which goes to one of them.
        **options
            ``foreach="items"`` runs the target once for each item of the artifact ``items``; an iterable
            may be given as well. With ``min_success``, a share (float from 0 to 1) or a number (int), its
            join runs once so many branches have succeeded and the others have failed.
            ``num_parallel=4`` runs the target as a gang: so many tasks at the same time, which talk to each
            other, and succeed or fail together. The target carries `parallel`.
            A switch takes ``condition="kind"``, the name of the artifact whose value decides, and
            ``default=self.<name>`` for every value that is no key.

        Raises
        ------
        InvalidNextException
            The call has a form, or targets, that are not allowed.
        ForeachError
            The items cannot be had.
        """
        live = live_of(self)
        if live is None:
            raise InvalidNextException("`self.next` was called while no step is running.")
        caller = sys._getframe(1)  # pyright: ignore[reportPrivateUsage] - the documented, cheap way
        live.transition(targets, options, caller.f_lineno)

    def foreach_stack(self) -> list[tuple[int, int, Any]]:
        """Return ``(index, num_splits, item)`` of each enclosing foreach, the outermost first."""
        live = live_of(self)
        return [] if live is None else live.foreach_stack()

    def merge_artifacts(
        self, inputs: object, exclude: Sequence[str] | None = None, include: Sequence[str] | None = None
    ) -> None:
        """In a join, take over the artifacts of the inputs that are not yet set on ``self``.

        They are taken by reference, without loading. If inputs disagree about any of them, nothing is
        merged at all.

        Parameters
        ----------
        inputs
            The join's inputs.
        exclude
            Names to leave out.
        include
            Take only these.

        Raises
        ------
        UnhandledInMergeArtifactsException
            Inputs disagree; set these names before, or exclude them.
        MissingInMergeArtifactsException
            ``include`` has names that no input has.
        """
        live = live_of(self)
        if live is None:
            raise StepArgumentError("`merge_artifacts` was called while no step is running.")
        live.merge_artifacts(inputs, exclude, include)

    def __iter__(self) -> Iterator[Callable[..., Any]]:
        """Iterate over the steps, each a bound method with a ``name``."""
        return (getattr(self, name) for name in steps_of(type(self)))

    def __str__(self) -> str:
        live = live_of(self)
        return f"<flow {self.name}>" if live is None else live.describe()

    # Called only when neither the object nor its class has the name: the first read of an inherited artifact.
    def __getattr__(self, name: str) -> Any:
        live = live_of(self)
        if live is None or name.startswith("__"):
            raise AttributeError(
                f"flow {type(self).__name__!r} has no attribute {name!r}", name=name, obj=self
            )
        if name in FRAMEWORK_NAMES:
            return live.framework(name)
        value = self.__dict__[name] = live.load(name)
        return value

    def __setattr__(self, name: str, value: object) -> None:
        live = live_of(self)
        if live is not None:
            live.check_assignable(name)
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        live = live_of(self)
        if live is None:
            object.__delattr__(self, name)
            return
        live.check_assignable(name)
        if name in self.__dict__:
            object.__delattr__(self, name)
        else:
            live.load(name)  # raises the AttributeError that Python promises for a name that is not there
        live.removed(name)

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise UnpicklableArtifactException(
            f"The flow object itself ({type(self).__name__}) cannot be stored. "
            "Store the single values that you need instead."
        )


@contextmanager
def inert_flows() -> Generator[None]:
    """Import a flow's file inside: ``Flow()`` without the ``if __name__`` guard then starts nothing."""
    _importing.append(True)
    try:
        yield
    finally:
        _importing.pop()


def attach_live(flow: FlowSpec, live: LiveStep | None) -> None:
    """Give a flow object its live half for the time one step runs, or take it away again with None."""
    if live is None:
        flow.__dict__.pop(LIVE, None)
    else:
        flow.__dict__[LIVE] = live


def live_of(flow: FlowSpec) -> LiveStep | None:
    """Return the live half of a flow object, or None if no step of it runs."""
    return cast("LiveStep | None", flow.__dict__.get(LIVE))
