"""What a card shows, as values."""

from __future__ import annotations

from msgspec import Struct

from stepwell.model.card_parts import AnyPart, ErrorPart


class Fact(Struct, frozen=True, array_like=True):
    """Something that is known of a task, in words."""

    label: str
    text: str


class ValueRow(Struct, frozen=True):
    """A parameter or an artifact: its name, class and size, and a short text that shows it.

    ``own`` is False for what the task has from the one before.
    """

    name: str
    type: str
    size: int
    preview: str
    own: bool = True


class StepNode(Struct, frozen=True):
    """A step of the graph.

    Attributes
    ----------
    next
        The steps that may follow.
    kind
        What the graph says of it, such as ``split-foreach`` or ``join``.
    join
        The step at which the split that it opens comes together; empty if it opens none.
    """

    name: str
    next: tuple[str, ...]
    kind: str = "linear"
    join: str = ""


class CardPage(Struct, frozen=True, kw_only=True):
    """All that is shown of a task on one card.

    Attributes
    ----------
    type
        What kind of page it is.
    title
        The heading.
    pathspec
        The task.
    state
        What became of it, in one word.
    parts
        What the step has put on the card.
    values_left_out
        How many artifacts are not listed.
    """

    type: str
    title: str
    pathspec: str
    state: str
    flow_doc: str = ""
    step_doc: str = ""
    facts: tuple[Fact, ...] = ()
    error: ErrorPart | None = None
    parts: tuple[AnyPart, ...] = ()
    graph: tuple[StepNode, ...] = ()
    parameters: tuple[ValueRow, ...] = ()
    values: tuple[ValueRow, ...] = ()
    values_left_out: int = 0

    @property
    def words(self) -> tuple[str, ...]:
        """Flow, run, step and task."""
        return tuple(self.pathspec.split("/"))

    @property
    def step(self) -> str:
        """The step that is marked in the graph."""
        return self.words[2]
