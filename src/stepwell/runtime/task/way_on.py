"""Where a task goes when its step has ended: what ``self.next`` says, held against the graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from stepwell.datastore.preview import preview
from stepwell.datastore.unstorable import Unstorable
from stepwell.definition.flowspec import FlowSpec
from stepwell.definition.graph import Node
from stepwell.definition.step import spec_of
from stepwell.exceptions import ForeachError, InvalidNextException
from stepwell.model.artifact import ItemsRef
from stepwell.model.task import TransitionKind, TransitionTaken
from stepwell.runtime.task.foreach import (
    CheckedItems,
    is_one_shot,
    iterator_of,
    needed_of,
    unstorable_item,
)
from stepwell.runtime.task.inputs import TaskSource
from stepwell.runtime.task.switch import case_here, label_of_key, no_case, place_chosen, shown, shown_next

_OF_SWITCH = frozenset({"condition", "default"})
_OPTIONS = frozenset({"foreach", "min_success", "num_parallel"})
_KINDS: Mapping[str, TransitionKind] = {"foreach": "foreach", "num_parallel": "gang"}


class WayOn:
    """The transition of one task.

    Attributes
    ----------
    taken
        The transition that ``self.next`` recorded, if it was called.
    items, item_table
        The foreach items that it fixed.
    """

    def __init__(self, flow: FlowSpec, node: Node, source: TaskSource) -> None:
        self.taken: TransitionTaken | None = None
        self.items: ItemsRef | None = None
        self.item_table = b""
        self._flow, self._node, self._source = flow, node, source

    def say(self, targets: Sequence[object], options: Mapping[str, object], line: int) -> None:
        """Record ``self.next(*targets, **options)``, called in a line.

        Raises
        ------
        InvalidNextException, ForeachError
            It has a form, or targets, that are not allowed.
        """
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
        kind = self._kind(names, options, line)
        case = case_here(node.transition, kind, names, line)
        if case is None:
            raise self._not_allowed(shown_next(names, kind), line)
        self._take(kind, names, options, line, case)

    def own(self, options: Mapping[str, object]) -> None:
        """Go on as the source of the step says, with other options of ``self.next``.

        Of a switch they name the ``condition``, as the value that decides, or the ``target``.

        Raises
        ------
        InvalidNextException, ForeachError
            They do not fit, or something is missing that only the step's code could say.
        """
        from stepwell.runtime.task.own_way import own_way  # few steps go on without their code

        way, case, given = own_way(self._flow, self._node, options)
        self.taken = None
        if way.kind == "end":
            return
        kind = self._kind(way.targets, given, way.line)
        if kind != way.kind:
            raise self._not_allowed(shown_next(way.targets, kind), way.line)
        self._take(kind, way.targets, given, way.line, case)

    def _kind(self, names: tuple[str, ...], options: Mapping[str, object], line: int) -> TransitionKind:
        unknown = sorted(options.keys() - _OPTIONS)
        if unknown:
            takes = "it takes `foreach`, `min_success` and `num_parallel`"
            raise self._invalid(f"`self.next` has no option {unknown[0]!r}; {takes}.", line)
        fan_out = next((name for name in ("num_parallel", "foreach") if name in options), "")
        if fan_out and len(names) != 1:
            raise self._invalid(f"`{fan_out}` takes one target, not {len(names)}.", line)
        return _KINDS.get(fan_out) or ("linear" if len(names) == 1 else "split")

    def _take(
        self,
        kind: TransitionKind,
        names: tuple[str, ...],
        options: Mapping[str, object],
        line: int,
        case: str,
    ) -> None:
        if kind == "foreach":
            self._foreach(names, options["foreach"], options.get("min_success"), line, case)
        elif kind == "gang":
            self._gang(names, options["num_parallel"], line, case)
        else:
            self.taken = TransitionTaken(kind, names, case=case, line=line)

    def go_on_with(self, items: Sequence[object]) -> None:
        """Open the step's foreach over these items, in place of what its code would have said.

        Raises
        ------
        ForeachError
            One of them cannot be stored, or there are too many.
        """
        self._foreach(self._node.targets, items, None, self._node.transition.line)

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
