"""What a task begins with: the artifacts that it inherits, its place in foreaches, the inputs of a join."""

from __future__ import annotations

from msgspec import Struct

from stepwell.datastore.preview import label_of
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.exceptions import InvalidNextException
from stepwell.model.artifact import ArtifactEntry
from stepwell.model.foreach import Frame
from stepwell.model.ids import PARAMETERS_STEP
from stepwell.model.pack import Pack
from stepwell.model.task import TaskRef, TaskRequest
from stepwell.runtime.task.inputs import JoinInputs, TaskSource
from stepwell.runtime.task.iterations import iterations_of


class Opened(Struct, frozen=True):
    """The inputs of one task, opened.

    Attributes
    ----------
    item
        Its own foreach item, in a tuple of one; empty if it is not the first of a branch.
    arguments
        What the step's method is called with.
    """

    entries: dict[str, ArtifactEntry]
    frames: tuple[Frame, ...]
    item: tuple[object, ...] = ()
    arguments: tuple[JoinInputs, ...] = ()
    iterations: tuple[int, ...] = ()


def open_inputs(definition: FlowDefinition, source: TaskSource, request: TaskRequest) -> Opened:
    """Open what a task inherits; of values only its own item is loaded."""
    if definition.graph[request.key.step].is_join:
        return _open_join(definition, source, request)
    parent, datastore = source.pack(request.parents[0]), source.datastore
    frames, item = parent.frames, ()
    if request.index is not None:
        item = (datastore.load_item(parent, request.index),)
        frames = (*frames, _frame(definition, parent, request.index, item[0]))
    entries = datastore.visible(parent)
    if parent.key.run != source.info.run:
        # A result of another run, which may have had other parameters and constants.
        entries |= _parameters(source)
    return Opened(entries, frames, item, iterations=iterations_of(definition.graph, request.key.step, parent))


def _open_join(definition: FlowDefinition, source: TaskSource, request: TaskRequest) -> Opened:
    if request.split is None:
        raise InvalidNextException(f"The join {request.key.step!r} was started without a split.")
    split = source.pack(request.split)
    taken = split.outcome.transition
    branches = taken.targets if taken is not None and taken.kind == "split" else ()
    inputs = JoinInputs(source, request.parents, split, branches, request.lost)
    iterations = iterations_of(definition.graph, request.key.step, split)
    return Opened(_parameters(source), split.frames, arguments=(inputs,), iterations=iterations)


def _parameters(source: TaskSource) -> dict[str, ArtifactEntry]:
    """Return the entries of the run's parameters and constants."""
    first = TaskRef(PARAMETERS_STEP, source.info.parameters_task)
    return source.datastore.visible(source.pack(first))


def _frame(definition: FlowDefinition, parent: Pack, index: int, item: object) -> Frame:
    taken = parent.outcome.transition
    variable = definition.graph[parent.key.step].foreach_variable(taken)
    count = parent.items.count if parent.items else 0
    label = "" if taken is not None and taken.kind == "gang" else label_of(item)
    return Frame(parent.key.step, parent.key.task, variable, count, index, label)
