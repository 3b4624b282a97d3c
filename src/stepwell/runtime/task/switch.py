"""Which case of a switch a step takes when it ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stepwell.datastore.preview import preview
from stepwell.definition.flowspec import FlowSpec
from stepwell.definition.graph import Node
from stepwell.definition.nearest import listed
from stepwell.definition.transition import Case, Switch, Transition
from stepwell.exceptions import InvalidNextException
from stepwell.model.task import TransitionKind

_KEYS_SHOWN = 12


def case_here(
    transition: Transition, kind: TransitionKind, targets: tuple[str, ...], line: int
) -> str | None:
    """Return the label of the case that a plain ``self.next`` in a line stands for.

    Empty if the step has no cases, None if the step may not go there.
    """
    if not isinstance(transition, Switch):
        return "" if (transition.kind, transition.targets) == (kind, targets) else None
    fitting = [case for case in transition.cases if (case.way.kind, case.way.targets) == (kind, targets)]
    return _nearest(fitting, line)[-1].label if fitting else None


def label_of_key(transition: Transition, targets: Sequence[str], chosen: int, line: int) -> str | None:
    """Return the label of a case of ``self.next({...})`` in a line, given by its place in the dictionary.

    ``targets`` has the steps of all keys, then the default's. None if the step may not go there.
    """
    cases = _nearest(transition.cases, line) if isinstance(transition, Switch) else ()
    if len(cases) != len(targets):  # two constants have one value, and the dictionary has one key
        cases = [case for case in cases if case.way.targets == (targets[chosen],)]
        return cases[-1].label if cases else None
    return cases[chosen].label if cases[chosen].way.targets == (targets[chosen],) else None


def _nearest(cases: Sequence[Case], line: int) -> Sequence[Case]:
    """Return the cases of the transition that stands in a line, or nearest before it."""
    lines = {case.way.line for case in cases}
    at = max((one for one in lines if one <= line), default=min(lines, default=0))
    return [case for case in cases if case.way.line == at]


def place_chosen(
    flow: FlowSpec, node: Node, cases: Mapping[object, object], condition: str, line: int
) -> int:
    """Return the place of the key that equals the artifact which decides, or the place after the last.

    Raises
    ------
    InvalidNextException
        There is no such artifact.
    """
    try:
        value = getattr(flow, condition)
    except AttributeError as error:
        text = f"The switch of step {node.name!r} decides by `self.{condition}`: {error}"
        raise InvalidNextException(text, line, node.file) from None
    try:
        return {key: place for place, key in enumerate(cases)}.get(value, len(cases))
    except TypeError:  # it has no hash, so no key equals it
        return len(cases)


def no_case(flow: FlowSpec, node: Node, cases: Mapping[object, object], condition: str) -> str:
    """Say that no case of a switch is for the value that decides."""
    keys = ", ".join(repr(key) for key in list(cases)[:_KEYS_SHOWN])
    more = f" and {len(cases) - _KEYS_SHOWN} more" if len(cases) > _KEYS_SHOWN else ""
    return (
        f"The switch of step {node.name!r} decides by `self.{condition}`, which is "
        f"{preview(getattr(flow, condition))}; its keys are {keys}{more}. Add the case, or "
        "`default=self.<step>` for every other value."
    )


def shown(transition: Transition) -> str:
    """Return what a step may do, in words."""
    if not isinstance(transition, Switch):
        return shown_next(transition.targets, transition.kind)
    if transition.condition is not None:
        return f"a switch to {listed(transition.targets)}"
    ways = dict.fromkeys(shown_next(case.way.targets, case.way.kind) for case in transition.cases)
    return " or ".join(ways)


def shown_next(targets: Sequence[str], kind: TransitionKind) -> str:
    """Return a transition as it stands in the source."""
    extra = {"foreach": ", foreach=...", "gang": ", num_parallel=..."}.get(kind, "")
    return f"`self.next({', '.join('self.' + name for name in targets)}{extra})`"
