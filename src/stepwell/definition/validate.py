"""All checks of a flow's steps. Each yields problems; all of them are reported at once, ordered by line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from stepwell.definition.balance import balance
from stepwell.definition.constants import is_fixed
from stepwell.definition.graph import Graph, Node
from stepwell.definition.nearest import did_you_mean, listed
from stepwell.definition.paths import order, reachable, shortest_cycle
from stepwell.definition.place import place, split_place
from stepwell.definition.reader import StepSource, read_step
from stepwell.definition.step import spec_of, steps_of
from stepwell.definition.transition import End, Switch, ways_of
from stepwell.exceptions import Problem

if TYPE_CHECKING:
    from stepwell.definition.loops import Loops

_NAME = re.compile(r"[a-z0-9][a-z0-9_]*")
_TAKEN = frozenset(
    {"name", "next", "input", "index", "cmd", "merge_artifacts", "foreach_stack", "script_name"}
)


def read_graph(flow_class: type) -> tuple[Graph | None, list[Problem]]:
    """Return the graph of a flow, or None and everything that is wrong with its steps, ordered by line."""
    functions = steps_of(flow_class)
    if not functions:
        what = f"flow {flow_class.__name__} has no steps"
        return None, [Problem(what=what, fix="Mark its methods with @step.", rule="no-steps")]
    reading = _Reading(flow_class, functions, {name: read_step(name, f) for name, f in functions.items()})
    graph = reading.graph()
    problems = sorted(reading.problems, key=lambda problem: split_place(problem.where))
    return (None if problems else graph), problems


class _Ends(Struct, frozen=True):
    start: str
    end: str


class _Reading:
    """The sources of a flow's steps on their way to a graph, and the problems found so far."""

    def __init__(
        self, flow_class: type, functions: Mapping[str, Callable[..., Any]], sources: Mapping[str, StepSource]
    ) -> None:
        self.flow_class, self.functions, self.sources = flow_class, functions, sources
        self.problems: list[Problem] = []

    def graph(self) -> Graph | None:
        """Return the graph if everything about it is right; problems are added up on the way."""
        for source in self.sources.values():
            self.problems += source.problems
            self.problems += _shape_problems(source)
        ends = self._ends()
        if ends is None:
            return None
        self.problems += self._transition_problems(ends)
        if any(problem.rule != "step-name" for problem in self.problems):
            # What follows would only repeat these problems in other words.
            return None
        return self._connected(ends)

    def _connected(self, ends: _Ends) -> Graph | None:
        targets = {
            name: () if source.transition is None else source.transition.targets
            for name, source in self.sources.items()
        }
        reached = reachable(ends.start, targets)
        for name, source in self.sources.items():
            if name not in reached:
                fix = "Lead to it with `self.next`, or remove it."
                self._add(source, "unreachable", f"no path from `{ends.start}` leads to step `{name}`", fix)
        for name in reached:
            own_switch = name == ends.start and isinstance(self.sources[name].transition, Switch)
            if ends.start in targets[name] and not own_switch:
                line = self._next_line(name)
                what = f"step `{name}` leads back to the entry `{ends.start}`"
                fix = "Nothing may lead to the entry step, but a switch in itself."
                self._add(self.sources[name], "into-entry", what, fix, line)
        ordered, around = order(ends.start, targets, reached), dict[str, tuple[str, ...]]()
        if len(ordered) < len(reached):
            from stepwell.definition.loops import find_loops  # few flows have any

            loops = find_loops(ends.start, targets, reached)
            if self._endless(loops):
                return None
            ordered, around = order(ends.start, loops.forward, reached), loops.around
        nodes = {name: self._node(name, around.get(name, ())) for name in ordered}
        nodes, problems = balance(nodes, ends.end)
        self.problems += problems
        return Graph(ends.start, ends.end, nodes)

    def _endless(self, loops: Loops) -> bool:
        """Report the first loop that no case of a switch leads out of."""
        targets = {name: source.transition for name, source in self.sources.items()}
        for loop in loops.loops:
            ways_out = (
                target
                for name in loop.steps
                if isinstance(switch := targets[name], Switch)
                for target in switch.targets
                if target not in loop.steps
            )
            if next(ways_out, None) is None:
                among = {name: taken.targets if (taken := targets[name]) else () for name in loop.steps}
                cycle = shortest_cycle(among, loop.steps)
                what = f"steps lead back to themselves, and no switch leads out: {' -> '.join(cycle)}"
                fix = "A flow must move on from its entry to its exit: let a case of a switch leave the loop."
                self._add(self.sources[cycle[0]], "cycle", what, fix, self._next_line(cycle[0]))
                return True
        return False

    def _node(self, name: str, loops: tuple[str, ...]) -> Node:
        source = self.sources[name]
        return Node(
            name=name,
            transition=source.transition or End(source.line),
            is_join=source.positional > 1,
            loops=loops,
            file=source.file,
            line=source.line,
            doc=source.doc,
        )

    def _next_line(self, name: str) -> int:
        transition = self.sources[name].transition
        return self.sources[name].line if transition is None else transition.line

    def _add(self, source: StepSource, rule: str, what: str, fix: str, line: int | None = None) -> None:
        where = place(source.file, line or source.line)
        self.problems.append(Problem(what=what, where=where, fix=fix, rule=rule, step=source.name))

    def _ends(self) -> _Ends | None:
        if len(self.sources) == 1:
            only = next(iter(self.sources))
            return _Ends(only, only)
        start = self._one_end("start", "entry")
        end = self._one_end("end", "exit")
        if start is None or end is None:
            return None
        if start == end:
            what = f"step `{start}` is marked as entry and as exit, but there are other steps"
            self._add(self.sources[start], "entry-is-exit", what, "Mark only one of the two.")
            return None
        return _Ends(start, end)

    def _one_end(self, word: str, role: str) -> str | None:
        marked = [name for name, f in self.functions.items() if getattr(spec_of(f), word)]
        named = [word] if word in self.functions and word not in marked else []
        candidates = marked + named
        # A step called `start` that is marked as the exit is not meant as the entry too, and the reverse.
        if len(candidates) == 1:
            return candidates[0]
        if candidates:
            what = f"the flow has {len(candidates)} {role} steps: {listed(candidates)}"
            fix = f"Leave one: unmark (`{word}=True`) or rename the others."
            self._add(self.sources[candidates[-1]], f"several-{role}s", what, fix)
            return None
        near = did_you_mean(word, self.sources)
        first = next(iter(self.sources.values()))
        fix = f"{near} Name a step `{word}`, or mark one with `@step({word}=True)`.".strip()
        self._add(first, f"no-{role}", f"flow {self.flow_class.__name__} has no {role} step", fix)
        return None

    def _transition_problems(self, ends: _Ends) -> Iterator[Problem]:
        names = list(self.sources)
        for name, source in self.sources.items():
            if name == ends.end:
                if source.transition is not None:
                    what = f"the exit step `{name}` has a transition"
                    self._add(source, "exit-goes-on", what, "Remove its `self.next`.", source.transition.line)
                continue
            if source.transition is None:
                if not source.problems:
                    fix = f"End it with `self.next(...)`; the exit step is `{ends.end}`."
                    self._add(source, "no-transition", f"step `{name}` does not end in a transition", fix)
                continue
            for way in ways_of(source.transition):
                for target in way.targets:
                    if target not in self.sources:
                        yield self._unknown_target(source, way.line, target, names)
            if isinstance(source.transition, Switch):
                yield from self._key_problems(source, source.transition)

    def _key_problems(self, source: StepSource, switch: Switch) -> Iterator[Problem]:
        """Keys that name an attribute of the flow must be fixed in its class."""
        for case in switch.cases:
            if case.fixed and not is_fixed(self.flow_class, case.fixed):
                what = f"step `{source.name}`: the switch has the key `{case.label}`, which is no constant"
                fix = f"Set `{case.fixed}` in the class body, or write the key out."
                where = place(source.file, switch.line)
                yield Problem(what=what, where=where, fix=fix, rule="switch-key", step=source.name)

    def _unknown_target(self, source: StepSource, line: int, target: str, names: list[str]) -> Problem:
        if hasattr(self.flow_class, target):
            what = f"step `{source.name}` goes to `{target}`, which is not a step"
            fix = f"Put @step above `def {target}`, or name another step."
        else:
            what = f"step `{source.name}` goes to `{target}`, which does not exist"
            fix = f"{did_you_mean(target, names)} The steps are: {listed(names)}.".strip()
        where = place(source.file, line)
        return Problem(what=what, where=where, fix=fix, rule="unknown-target", step=source.name)


def _shape_problems(source: StepSource) -> Iterator[Problem]:
    where = place(source.file, source.line)
    name = source.name
    if name in _TAKEN:
        what = f"a step cannot be named `{name}`: FlowSpec uses the name itself"
        yield Problem(what=what, where=where, fix="Rename it.", rule="step-name", step=name)
    elif not _NAME.fullmatch(name):
        what = f"`{name}` cannot be the name of a step"
        fix = "Use lower-case letters, digits and `_`, and do not begin with `_`."
        yield Problem(what=what, where=where, fix=fix, rule="step-name", step=name)
    if source.positional not in (1, 2):
        what = f"step `{name}` must take one or two positional arguments"
        fix = f"Write `def {name}(self)`, or `def {name}(self, inputs)` for a join."
        yield Problem(what=what, where=where, fix=fix, rule="step-arguments", step=name)
