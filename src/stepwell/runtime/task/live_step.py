"""The living half of a flow object while one of its steps runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from threading import RLock
from typing import NamedTuple, cast

from stepwell.datastore.preview import label_of, preview
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.definition.flowspec import FRAMEWORK_NAMES, FlowSpec
from stepwell.definition.graph import Node
from stepwell.definition.nearest import did_you_mean
from stepwell.exceptions import StepArgumentError
from stepwell.model.artifact import ArtifactEntry
from stepwell.model.foreach import Frame
from stepwell.model.task import TaskRef
from stepwell.runtime.task.inputs import (
    JoinInputs,
    TaskInput,
    TaskSource,
    manifest_of,
    manifests_of,
    place_of,
)
from stepwell.runtime.task.merge import Manifest, merged
from stepwell.runtime.task.way_on import WayOn

_MISSING = object()


class ForeachFrame(NamedTuple):
    """A frame as existing tools read it in ``_foreach_stack``."""

    step: str
    var: str | None
    num_splits: int
    index: int  # pyright: ignore[reportIncompatibleMethodOverride] - the name that tools know
    value: object


class Live:
    """Keeps what a running step inherits, has loaded and has removed.

    Attributes
    ----------
    entries
        What the step inherits, by name; ``merge_artifacts`` adds to it and ``del`` takes away.
    loaded
        The object that each inherited name gave when it was read.
    way
        Where it goes next.
    """

    def __init__(
        self,
        flow: FlowSpec,
        definition: FlowDefinition,
        node: Node,
        source: TaskSource,
        entries: dict[str, ArtifactEntry],
        frames: tuple[Frame, ...],
        parents: tuple[TaskRef, ...],
    ) -> None:
        self.entries = entries
        self.frames = frames
        self.loaded: dict[str, object] = {}
        self.way = WayOn(flow, node, source)
        self.own_item: object = _MISSING
        self._loading = RLock()
        self._deleted: set[str] = set()
        self._droppers: dict[str, str | None] = {}
        self._flow = flow
        self._definition = definition
        self._node = node
        self._source = source
        self._parents = parents
        self.parameters = frozenset(parameter.attribute for parameter in definition.parameters)
        self.configs = frozenset(definition.configs)
        self.fixed = self.parameters.union(definition.constants, self.configs)

    # Where the task stands

    @property
    def index(self) -> int | None:
        self._source.observe("@index")
        return self.frames[-1].index if self.frames else None

    @property
    def input(self) -> object:
        if not self.frames:
            return None
        if self.own_item is _MISSING:
            self.own_item = self._source.item(self.frames[-1])
        return self.own_item

    def foreach_stack(self) -> list[tuple[int, int, object]]:
        self._source.observe("@stack")
        outer = [(frame.index, frame.num_splits, self._source.item(frame)) for frame in self.frames[:-1]]
        if self.frames:
            last = self.frames[-1]
            outer.append((last.index, last.num_splits, self.input))
        return outer

    def describe(self) -> str:
        self._source.observe("@stack")
        place = "".join(f"[{frame.index}]" for frame in self.frames)
        item = f" ({label_of(self.input)[:20]})" if self.frames else ""
        return f"<flow {self._definition.name} step {self._node.name}{place}{item}>"

    def framework(self, name: str) -> object:
        if name == "_current_step":
            return self._node.name
        if name == "_graph":
            self._source.observe("_graph_info")
            from stepwell.definition.graph_info import graph_view

            return graph_view(self._definition)
        self._source.observe("@stack")
        return [
            ForeachFrame(frame.step, frame.var, frame.num_splits, frame.index, self._source.item(frame))
            for frame in self.frames
        ]

    # Attributes

    def load(self, name: str) -> object:
        with self._loading:  # threads of the step must all get the one object
            if name in self.loaded:
                return self.loaded[name]
            self._source.observe(name)
            entry = self.entries.get(name)
            if entry is None:
                raise AttributeError(self._unknown(name), name=name, obj=self._flow)
            value = self.loaded[name] = self._source.load(entry)
            return value

    def check_assignable(self, name: str) -> None:
        if name in self.fixed:
            kind = (
                "Parameter" if name in self.parameters else "Config" if name in self.configs else "constant"
            )
            raise AttributeError(
                f"`self.{name}` is a {kind} and fixed for the run: it can be neither set nor deleted. "
                "Use another name for a value that changes."
            )
        if name in FRAMEWORK_NAMES or name in ("input", "index", "name", "next"):
            raise AttributeError(f"`self.{name}` belongs to Stepwell and cannot be set. Use another name.")
        if name in self._definition.graph:
            raise AttributeError(
                f"`self.{name}` is a step of this flow and cannot be replaced by a value. Use another name."
            )
        kind = _defined_as(getattr(type(self._flow), name, None))
        if kind:
            # Later steps would find what the class has, not the artifact.
            raise AttributeError(
                f"`self.{name}` is a {kind} of class {type(self._flow).__name__} and cannot be replaced by "
                "an artifact. Use another name."
            )

    def shadowed(self) -> Iterator[str]:
        """Yield inherited names that the class has too, where reading would find the class's value."""
        cls = type(self._flow)
        return (name for name in self.entries if hasattr(cls, name) and name not in self.fixed)

    def is_artifact(self, name: str) -> bool:
        """Whether a name in the flow's dictionary is the user's to store; a cached property's is not."""
        return (
            not name.startswith("__")
            and name not in self.fixed
            and not isinstance(getattr(type(self._flow), name, None), cached_property)
        )

    def removed(self, name: str) -> None:
        if self._source.observer is not None and name in self.entries:
            self._source.observer.deleted(name)
        self._deleted.add(name)
        self.entries.pop(name, None)
        self.loaded.pop(name, None)

    def _unknown(self, name: str) -> str:
        where = f"step {self._node.name!r} of flow {self._definition.name}"
        if name in self._deleted:
            return f"{where} has deleted {name!r} (`del self.{name}`)."
        if name not in self._droppers:
            from stepwell.runtime.task.dropped import dropped_by  # only a mistake pays for it

            self._droppers[name] = dropped_by(
                name, self._source, self._definition.graph, self._node.name, self._parents
            )
        lost = self._droppers[name]
        if lost is not None:
            return (
                f"{where} cannot see {name!r}: the join {lost!r} did not take it over. In {lost!r}, call "
                f"`self.merge_artifacts(inputs)` or set it: `self.{name} = inputs.<step>.{name}` "
                f"(`inputs[i].{name}` after a foreach)."
            )
        known = [*self.entries, *self._flow.__dict__]
        hint = did_you_mean(name, [other for other in known if not other.startswith("_")], quote="'")
        return f"{where} has no artifact {name!r}. {hint}".rstrip()

    # Joins

    def merge_artifacts(
        self, inputs: object, exclude: Sequence[str] | None, include: Sequence[str] | None
    ) -> None:
        if not self._node.is_join:
            raise StepArgumentError(
                f"Step {self._node.name!r} calls `merge_artifacts`, but it is no join: only a step that "
                "takes `inputs` has something to merge."
            )
        own = [name for name in self._flow.__dict__ if self.is_artifact(name)]
        already = {*own, *self.fixed, *self.entries, "_graph_info"}
        manifests = self._manifests(inputs)
        if self._source.observer is not None:
            some = None if isinstance(inputs, JoinInputs) else _places(inputs)
            self._source.observer.merged(some, exclude, include, own)
        self.entries.update(merged(manifests, already, exclude, include))

    def _manifests(self, inputs: object) -> Iterator[Manifest]:
        if isinstance(inputs, JoinInputs):
            return manifests_of(inputs)
        if isinstance(inputs, (list, tuple)):
            some = cast("Sequence[object]", inputs)
            if all(isinstance(one, TaskInput) for one in some):
                return map(manifest_of, cast("Sequence[TaskInput]", some))
        raise StepArgumentError(
            f"`merge_artifacts` takes the `inputs` of the join, or a list of some of them; step "
            f"{self._node.name!r} gave it {preview(cast('object', inputs))}."
        )

    def transition(self, targets: Sequence[object], options: Mapping[str, object], line: int) -> None:
        self.way.say(targets, options, line)


def _defined_as(found: object) -> str:
    """What a class attribute is that no artifact may hide; empty for plain values."""
    if isinstance(found, cached_property):
        return "cached property"
    if isinstance(found, type):
        return "class"
    return "method" if callable(found) and hasattr(found, "__qualname__") else ""


def _places(inputs: object) -> list[int]:
    places = (place_of(one) for one in cast("Sequence[TaskInput]", inputs))
    return [int(place) if place.isdecimal() else -1 for place in places]
