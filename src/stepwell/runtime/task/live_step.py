"""The living half of a flow object while one of its steps runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from threading import RLock
from typing import Any, NamedTuple, cast

from stepwell.datastore.preview import label_of, preview
from stepwell.datastore.unstorable import Unstorable
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.definition.flowspec import FRAMEWORK_NAMES, FlowSpec
from stepwell.definition.graph import Node
from stepwell.definition.nearest import did_you_mean
from stepwell.definition.step import spec_of
from stepwell.exceptions import ForeachError, InvalidNextException, StepArgumentError
from stepwell.model.artifact import ArtifactEntry, ItemsRef
from stepwell.model.foreach import Frame
from stepwell.model.task import TaskRef, TransitionKind, TransitionTaken
from stepwell.runtime.task.foreach import (
    CheckedItems,
    is_one_shot,
    iterator_of,
    needed_of,
    unstorable_item,
)
from stepwell.runtime.task.inputs import (
    JoinInputs,
    TaskInput,
    TaskSource,
    manifest_of,
    manifests_of,
    place_of,
)
from stepwell.runtime.task.merge import Manifest, merged
from stepwell.runtime.task.switch import case_here, label_of_key, no_case, place_chosen, shown, shown_next

_MISSING = object()
_OF_SWITCH = frozenset({"condition", "default"})
_OPTIONS = frozenset({"foreach", "min_success", "num_parallel"})
_KINDS: Mapping[str, TransitionKind] = {"foreach": "foreach", "num_parallel": "gang"}


class ForeachFrame(NamedTuple):
    """A frame as existing tools read it in ``_foreach_stack``."""

    step: str
    var: str | None
    num_splits: int
    index: int  # pyright: ignore[reportIncompatibleMethodOverride] - the name that tools know
    value: object


class Live:
    """Keeps what a running step inherits, has loaded, has removed, and where it goes next.

    Attributes
    ----------
    entries
        What the step inherits, by name; ``merge_artifacts`` adds to it and ``del`` takes away.
    loaded
        The object that each inherited name gave when it was read.
    taken
        The transition that ``self.next`` recorded, if it was called.
    items, item_table
        The foreach items that the transition fixed.
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
        self.taken: TransitionTaken | None = None
        self.items: ItemsRef | None = None
        self.item_table = b""
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

    # The transition

    def transition(self, targets: Sequence[object], options: Mapping[str, object], line: int) -> None:
        node = self._node
        if self.taken is not None:
            raise self._invalid(
                f"Step {node.name!r} calls `self.next` twice, in lines {self.taken.line} and {line}; "
                "it may do so once per execution.",
                line,
            )
        if any(isinstance(target, dict) for target in targets) or not options.keys().isdisjoint(_OF_SWITCH):
            self.taken = self._switch(targets, options, line)
            return
        names = tuple(self._target(target, line) for target in targets)
        if not names:
            raise self._invalid("`self.next` has no target: name a step, `self.next(self.a)`.", line)
        unknown = sorted(options.keys() - _OPTIONS)
        if unknown:
            takes = "it takes `foreach`, `min_success` and `num_parallel`"
            raise self._invalid(f"`self.next` has no option {unknown[0]!r}; {takes}.", line)
        fan_out = next((name for name in ("num_parallel", "foreach") if name in options), "")
        if fan_out and len(names) != 1:
            raise self._invalid(f"`{fan_out}` takes one target, not {len(names)}.", line)
        kind = _KINDS.get(fan_out) or ("linear" if len(names) == 1 else "split")
        case = case_here(node.transition, kind, names, line)
        if case is None:
            raise self._not_allowed(shown_next(names, kind), line)
        if kind == "foreach":
            self._foreach(names, options["foreach"], options.get("min_success"), line, case)
        elif kind == "gang":
            self._gang(names, options["num_parallel"], line, case)
        else:
            self.taken = TransitionTaken(kind, names, case=case, line=line)

    def _switch(self, targets: Sequence[object], options: Mapping[str, object], line: int) -> TransitionTaken:
        condition, given = options.get("condition"), targets[0] if len(targets) == 1 else None
        if not isinstance(given, dict) or not given:
            form = 'one dictionary, `self.next({"a": self.x, "b": self.y}, condition="kind")`'
            raise self._invalid(f"A switch takes {form}.", line)
        cases = cast("dict[object, object]", given)
        unknown = sorted(options.keys() - _OF_SWITCH)
        if unknown:
            raise self._invalid(
                f"A switch takes `condition` and `default`, but no {unknown[0]!r}. Open a split in the step "
                "that a case leads to.",
                line,
            )
        if not isinstance(condition, str):
            raise self._invalid(
                "`self.next({...})` is a switch: it needs `condition=`, the name of the artifact that decides"
                f"{f', and not {preview(condition)}' if 'condition' in options else ''}.",
                line,
            )
        default = [options["default"]] if "default" in options else []
        names = [self._target(target, line) for target in (*cases.values(), *default)]
        chosen = place_chosen(self._flow, self._node, cases, condition, line)
        if chosen == len(cases) and not default:
            raise self._invalid(no_case(self._flow, self._node, cases, condition), line)
        case = label_of_key(self._node.transition, names, chosen, line)
        if case is None:
            raise self._not_allowed(f"a switch to `{names[chosen]}`", line)
        return TransitionTaken("linear", (names[chosen],), case=case, line=line)

    def _not_allowed(self, went: str, line: int) -> InvalidNextException:
        return self._invalid(
            f"Step {self._node.name!r} went on to {went}, but its source says "
            f"{shown(self._node.transition)} (line {self._node.transition.line}). The graph is fixed before "
            "a run starts.",
            line,
        )

    def go_on_with(self, items: Sequence[object]) -> None:
        """Open the step's foreach over these items, in place of what its code would have said.

        Raises
        ------
        ForeachError
            One of them cannot be stored, or there are too many.
        """
        self._foreach(self._node.targets, items, None, self._node.transition.line)

    def _target(self, target: Any, line: int) -> str:
        spec, owner = spec_of(target), getattr(target, "__self__", None)
        if spec is None or owner is not self._flow:
            shown = getattr(target, "__qualname__", None) or preview(target)
            raise self._invalid(
                f"`self.next` in step {self._node.name!r} got `{shown}`, which is no step of this flow. "
                "Name steps as `self.<step>`, without parentheses.",
                line,
            )
        return str(target.__name__)

    def _invalid(self, text: str, line: int) -> InvalidNextException:
        return InvalidNextException(text, line, self._node.file)

    def _foreach(
        self, names: tuple[str, ...], given: object, least: object, line: int, case: str = ""
    ) -> None:
        what = f"the artifact {given!r}" if isinstance(given, str) else "the foreach expression"
        items = iterator_of(self._value(given) if isinstance(given, str) else given, what)
        checked = CheckedItems(items, what, self._node.name, self._source.info.max_num_splits)
        try:
            self.items, self.item_table, labels = self._source.datastore.save_items(checked)
        except Unstorable as error:
            raise unstorable_item(error, what) from error
        count = self.items.count
        try:
            needed = None if least is None else needed_of(least, count)
        except ValueError as error:
            raise self._invalid(f"`min_success` {error}", line) from None
        self.taken = TransitionTaken(
            "foreach", names, num_splits=count, labels=labels, min_success=needed, case=case, line=line
        )

    def _gang(self, names: tuple[str, ...], size: object, line: int, case: str) -> None:
        """Fix the number of tasks; the item of each is its place among them."""
        if type(size) is not int or size < 1:
            what = f"`num_parallel` in step {self._node.name!r} must be a whole number of at least 1"
            raise self._invalid(f"{what}, but it is {preview(size)}.", line)
        self.items, self.item_table, _ = self._source.datastore.save_items(range(size))
        self.taken = TransitionTaken("gang", names, num_splits=size, case=case, line=line)

    def _value(self, name: str) -> object:
        try:
            value = getattr(self._flow, name)
        except AttributeError as error:
            raise ForeachError(
                f"The foreach of step {self._node.name!r} iterates over `self.{name}`: {error}"
            ) from None
        if is_one_shot(value):
            # It can be read only once: what is stored under the name is the list of its items.
            checked = CheckedItems(
                iterator_of(value, name), f"the artifact {name!r}", self._node.name,
                self._source.info.max_num_splits,
            )  # fmt: skip
            value = list(checked)
            setattr(self._flow, name, value)
        return value


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
