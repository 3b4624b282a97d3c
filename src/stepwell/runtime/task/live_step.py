"""The living half of a flow object while one of its steps runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from stepwell.datastore.preview import label_of
from stepwell.datastore.unstorable import Unstorable
from stepwell.definition.flow_definition import FlowDefinition
from stepwell.definition.flowspec import FRAMEWORK_NAMES, FlowSpec
from stepwell.definition.graph import Node
from stepwell.definition.step import spec_of
from stepwell.definition.transition import Foreach
from stepwell.exceptions import ForeachError, InvalidNextException, StepArgumentError
from stepwell.model.artifact import ArtifactEntry, ItemsRef
from stepwell.model.foreach import Frame
from stepwell.model.task import TaskRef, TransitionTaken
from stepwell.runtime.task.foreach import CheckedItems, is_one_shot, iterator_of, unstorable_item
from stepwell.runtime.task.inputs import JoinInputs, TaskSource
from stepwell.runtime.task.merge import merged

_MISSING = object()


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
        self._flow = flow
        self._definition = definition
        self._node = node
        self._source = source
        self._parents = parents
        self.parameters = frozenset(parameter.attribute for parameter in definition.parameters)
        self.fixed = self.parameters.union(definition.constants)

    # Where the task stands

    @property
    def index(self) -> int | None:
        return self.frames[-1].index if self.frames else None

    @property
    def input(self) -> object:
        if not self.frames:
            return None
        if self.own_item is _MISSING:
            self.own_item = self._source.item(self.frames[-1])
        return self.own_item

    def foreach_stack(self) -> list[tuple[int, int, object]]:
        outer = [(frame.index, frame.num_splits, self._source.item(frame)) for frame in self.frames[:-1]]
        if self.frames:
            last = self.frames[-1]
            outer.append((last.index, last.num_splits, self.input))
        return outer

    def describe(self) -> str:
        place = "".join(f"[{frame.index}]" for frame in self.frames)
        item = f" ({label_of(self.input)[:20]})" if self.frames else ""
        return f"<flow {self._definition.name} step {self._node.name}{place}{item}>"

    def framework(self, name: str) -> object:
        if name == "_current_step":
            return self._node.name
        if name == "_graph":
            from stepwell.definition.graph_info import graph_view

            return graph_view(self._definition)
        return [frame_view(frame, self._source.item(frame)) for frame in self.frames]

    # Attributes

    def load(self, name: str) -> object:
        entry = self.entries.get(name)
        if entry is None:
            raise AttributeError(self._unknown(name), name=name, obj=self._flow)
        value = self.loaded[name] = self._source.load(entry)
        return value

    def check_assignable(self, name: str) -> None:
        if name in self.fixed:
            kind = "Parameter" if name in self.parameters else "constant"
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

    def removed(self, name: str) -> None:
        self.entries.pop(name, None)
        self.loaded.pop(name, None)

    def _unknown(self, name: str) -> str:
        where = f"step {self._node.name!r} of flow {self._definition.name}"
        lost = self._dropped_by(name)
        if lost is not None:
            return (
                f"{where} cannot see {name!r}: the join {lost!r} did not take it over. In {lost!r}, call "
                f"`self.merge_artifacts(inputs)` or set it: `self.{name} = inputs.<step>.{name}` "
                f"(`inputs[i].{name}` after a foreach)."
            )
        known = [*self.entries, *self._flow.__dict__]
        close = get_close_matches(name, [other for other in known if not other.startswith("_")], 1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        return f"{where} has no artifact {name!r}.{hint}"

    def _dropped_by(self, name: str) -> str | None:
        """The nearest join among the ancestors, this step included, whose inputs had the name."""
        refs, step = self._parents, self._node.name
        while refs:
            pack = self._source.pack(refs[0])
            is_join = step in self._definition.graph and self._definition.graph[step].is_join
            if is_join and name in self._source.datastore.visible(pack):
                return step
            if pack.key.step == self._definition.graph.start:
                return None
            refs, step = pack.parents, pack.key.step
        return None

    # Joins

    def merge_artifacts(
        self, inputs: object, exclude: Sequence[str] | None, include: Sequence[str] | None
    ) -> None:
        if not isinstance(inputs, JoinInputs):
            raise StepArgumentError(
                f"`merge_artifacts` takes the `inputs` of a join; step {self._node.name!r} gave it a "
                f"{type(inputs).__name__}."
            )
        visible = self._source.datastore.visible
        manifests = (visible(pack) for pack in inputs.packs()) if len(inputs) else (
            visible(pack) for pack in (inputs.split_pack,)
        )  # fmt: skip
        own = [name for name in self._flow.__dict__ if not name.startswith("__")]
        taken = merged(manifests, {*own, *self.fixed, *self.entries, "_graph_info"}, exclude, include)
        self.entries.update(taken)

    # The transition

    def transition(self, targets: Sequence[object], options: Mapping[str, object], line: int) -> None:
        node = self._node
        if self.taken is not None:
            raise InvalidNextException(
                f"Step {node.name!r} calls `self.next` twice, in lines {self.taken.line} and {line}; "
                "it may do so once per execution."
            )
        names = tuple(self._target(target) for target in targets)
        unknown = sorted(options.keys() - {"foreach"})
        if unknown:
            raise InvalidNextException(f"`self.next` has no option {unknown[0]!r}; it takes `foreach`.")
        allowed = node.transition
        if names != node.targets or ("foreach" in options) != isinstance(allowed, Foreach):
            raise InvalidNextException(
                f"Step {node.name!r} went on to {_shown(names, options)} (line {line}), but its source says "
                f"{_shown(node.targets, {'foreach': ''} if node.is_foreach else {})} "
                f"(line {allowed.line}). The graph is fixed before a run starts."
            )
        if isinstance(allowed, Foreach):
            self._foreach(names, options["foreach"], line)
        else:
            kind = "linear" if len(names) == 1 else "split"
            self.taken = TransitionTaken(kind, names, line=line)

    def _target(self, target: Any) -> str:
        spec, owner = spec_of(target), getattr(target, "__self__", None)
        if spec is None or owner is not self._flow:
            raise InvalidNextException(
                f"`self.next` in step {self._node.name!r} got {target!r}, which is no step of this flow. "
                "Name steps as `self.<step>`, without parentheses."
            )
        return str(target.__name__)

    def _foreach(self, names: tuple[str, ...], given: object, line: int) -> None:
        what = f"the artifact {given!r}" if isinstance(given, str) else "the foreach expression"
        items = iterator_of(self._value(given) if isinstance(given, str) else given, what)
        checked = CheckedItems(items, what, self._node.name, self._source.info.max_num_splits)
        try:
            self.items, self.item_table, labels = self._source.datastore.save_items(checked)
        except Unstorable as error:
            raise unstorable_item(error, what) from error
        self.taken = TransitionTaken("foreach", names, num_splits=self.items.count, labels=labels, line=line)

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


def frame_view(frame: Frame, item: object) -> Any:
    """A frame as existing tools read it in ``_foreach_stack``."""
    from collections import namedtuple

    view = namedtuple("ForeachFrame", "step var num_splits index value")  # noqa: PYI024 - the shape tools know
    return view(frame.step, frame.var, frame.num_splits, frame.index, item)


def _shown(targets: Sequence[str], options: Mapping[str, object]) -> str:
    extra = ", foreach=..." if "foreach" in options else ""
    return f"`self.next({', '.join('self.' + name for name in targets)}{extra})`"
