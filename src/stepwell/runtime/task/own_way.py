"""The way that the source of a step says, taken without the step's own code: a decorator asks for it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping
from typing import Any

from stepwell.datastore.preview import preview
from stepwell.definition.flowspec import FlowSpec
from stepwell.definition.graph import Node
from stepwell.definition.nearest import listed
from stepwell.definition.step import spec_of
from stepwell.definition.transition import Case, End, Foreach, Gang, Switch, Way
from stepwell.exceptions import InvalidNextException

_OF_SWITCH = ("condition", "target")
_DEFAULT = "default"


def own_way(
    flow: FlowSpec, node: Node, options: Mapping[str, object]
) -> tuple[Way, str, Mapping[str, object]]:
    """Return the way, the label of the case if it is one of a switch, and all options of ``self.next``.

    Raises
    ------
    InvalidNextException
        Something is missing that only the step's code could say.
    """
    way, case, given = _chosen(flow, node, options)
    if isinstance(way, End):
        if options:
            raise _invalid(node, f"{_not_run(node)}, and it is the exit: there is no transition to change.")
    elif isinstance(way, Foreach):
        given = _foreach(flow, node, way, given)
    elif isinstance(way, Gang) and "num_parallel" not in given:
        raise _invalid(
            node,
            f"{_not_run(node)}, and only its code says how many tasks its gang has. Let the decorator say "
            'it: `{"num_parallel": 4}`.',
        )
    return way, case, given


def _chosen(
    flow: FlowSpec, node: Node, options: Mapping[str, object]
) -> tuple[Way, str, Mapping[str, object]]:
    switch = node.transition
    if not isinstance(switch, Switch):
        return switch, "", options
    rest = {name: value for name, value in options.items() if name not in _OF_SWITCH}
    condition = switch.condition
    if "target" in options:
        found = _of_target(switch, options["target"])
    elif "condition" in options:
        found = _of_value(flow, switch, options["condition"])
    elif condition is not None and condition in flow.__dict__:
        found = _of_value(flow, switch, flow.__dict__[condition])
    else:
        what = "nobody says which case of its switch to take"
        raise _invalid(node, f"{_not_run(node)}, and {what}. {_fix(switch)}")
    if found is None:
        given = options.get("target", options.get("condition", flow.__dict__.get(condition or "")))
        what = f"its switch has no case {preview(given)}"
        raise _invalid(node, f"{_not_run(node)}, and {what}. {_fix(switch)}")
    return found.way, found.label, rest


def _of_value(flow: FlowSpec, switch: Switch, value: object) -> Case | None:
    """Return the case of a value that decides: its key is that value, or the default is for it."""
    if isinstance(value, str):
        for case in switch.cases:
            if case.label in (value, repr(value)):
                return case
    names: dict[str, object] = {**vars(sys.modules[type(flow).__module__]), "self": flow}
    found = next((case for case in switch.cases if _key(case, names) == value), None)
    return found or next((case for case in switch.cases if case.label == _DEFAULT), None)


def _key(case: Case, names: dict[str, object]) -> object:
    """Return the key of a case from its label, which is its source, unless it is a text."""
    try:
        return eval(case.label, names)
    except (SyntaxError, NameError, AttributeError):
        return case.label


def _of_target(switch: Switch, given: Any) -> Case | None:
    name = given.__name__ if spec_of(given) is not None else given
    return next((case for case in switch.cases if case.way.targets == (name,)), None)


def _foreach(flow: FlowSpec, node: Node, way: Foreach, given: Mapping[str, object]) -> Mapping[str, object]:
    more = dict(given)
    if "foreach" not in more:
        if way.var is None or not hasattr(flow, way.var):
            what = f"`self.{way.var}` is not set" if way.var else f"only its code says what `{way.expr}` is"
            raise _invalid(
                node,
                f"{_not_run(node)}, and {what}, which its foreach iterates over. Let the decorator set it, "
                'or name the items: `{"foreach": [1, 2]}`.',
            )
        more["foreach"] = way.var
    if way.min_success is not None and "min_success" not in more:
        try:
            more["min_success"] = ast.literal_eval(way.min_success)
        except ValueError:
            raise _invalid(
                node,
                f"{_not_run(node)}, and only its code says what `min_success={way.min_success}` is. Let the "
                'decorator say it: `{"min_success": 0.5}`.',
            ) from None
    return more


def _not_run(node: Node) -> str:
    return f"Step {node.name!r} goes on without its code having said where"


def _fix(switch: Switch) -> str:
    labels = listed([case.label for case in switch.cases])
    return (
        'Let the decorator name it, `{"condition": value}` or `{"target": "step"}`. The cases are: '
        f"{labels}; the steps: {listed(switch.targets)}."
    )


def _invalid(node: Node, text: str) -> InvalidNextException:
    return InvalidNextException(text, node.transition.line or node.line, node.file)
