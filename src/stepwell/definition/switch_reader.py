"""Reads ``self.next({...}, condition=..., default=...)``."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Collection

from stepwell.definition.nearest import did_you_mean
from stepwell.definition.transition import Case, Linear, Switch

_KEY_FORMS = (
    "A key is a text, a number, `True`, `False`, `None`, a member of an Enum, a constant of the class or the "
    "module, or `self.<config>.<key>`."
)
_CONDITION_FORM = 'Name an artifact: `self.next({"a": self.x, "b": self.y}, condition="kind")`.'
_DEFAULT = "default"

Complain = Callable[[str, str, str, int], None]
"""Takes rule, what is wrong, what to do, and the line."""


class SwitchReader:
    """Reads the switches of one step.

    Parameters
    ----------
    own_name
        What the step calls the flow; ``self`` as a rule.
    local_names
        Names that are set in the step: they are no constants.
    text
        Gives the source of an expression.
    """

    def __init__(
        self, own_name: str, local_names: Collection[str], text: Callable[[ast.AST], str], complain: Complain
    ) -> None:
        self._own_name, self._local_names = own_name, local_names
        self._text, self._complain = text, complain

    def read(self, call: ast.Call) -> Switch | None:
        """Return the switch; None if something is wrong with it."""
        cases = call.args[0] if len(call.args) == 1 else None
        if not isinstance(cases, ast.Dict):
            what = "a switch takes one dictionary, which says the step of each case"
            self._complain("switch-form", what, _CONDITION_FORM, call.lineno)
            return None
        condition, default = self._options(call)
        if not cases.keys:
            fix = 'Name at least one: `{"a": self.x}`.'
            self._complain("switch-empty", "the switch has no case", fix, cases.lineno)
        found = [self._case(key, value, call) for key, value in zip(cases.keys, cases.values, strict=True)]
        if default is not None:
            target = self._target(default)
            found.append(None if target is None else Case(_DEFAULT, Linear(target, call.lineno)))
        good = [case for case in found if case is not None]
        if condition is None or not good or len(good) < len(found):
            return None
        return self._distinct(good, cases, Switch((), condition, call.lineno))

    def _options(self, call: ast.Call) -> tuple[str | None, ast.expr | None]:
        condition = default = None
        is_given = False
        for keyword in call.keywords:
            line = keyword.value.lineno
            if keyword.arg == "condition":
                is_given = True
                condition = self._condition(keyword.value)
            elif keyword.arg == _DEFAULT:
                default = keyword.value
            elif keyword.arg is None:
                what = "the options of `self.next` are hidden in `**`"
                fix = "Write them out: the graph is read from here."
                self._complain("hidden-options", what, fix, line)
            else:
                near = did_you_mean(keyword.arg, ("condition", _DEFAULT))
                fix = near or "It takes `condition` and `default`. Open a split in the step of a case."
                self._complain("switch-options", f"a switch has no option `{keyword.arg}`", fix, line)
        if not is_given:
            what = "the switch does not say which artifact decides"
            self._complain("switch-condition", what, _CONDITION_FORM, call.lineno)
        return condition, default

    def _condition(self, value: ast.expr) -> str | None:
        if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value.isidentifier():
            return value.value
        what = f"`condition={self._text(value)}` is not the name of an artifact, as text"
        self._complain("switch-condition", what, _CONDITION_FORM, value.lineno)
        return None

    def _case(self, key: ast.expr | None, value: ast.expr, call: ast.Call) -> Case | None:
        target = self._target(value)
        label, fixed = self._key(key)
        if label is None:
            shown = "**" if key is None else self._text(key)
            what = f"the key `{shown}` of the switch cannot be read from the source"
            self._complain("switch-key", what, _KEY_FORMS, (key or value).lineno)
            return None
        return None if target is None else Case(label, Linear(target, call.lineno), fixed)

    def _key(self, key: ast.expr | None) -> tuple[str | None, str]:
        """Return the label of a key, and the attribute of the flow that it is read from."""
        number = key.operand if isinstance(key, ast.UnaryOp) and isinstance(key.op, ast.USub) else key
        if isinstance(number, ast.Constant):
            value = number.value
            if isinstance(value, str):
                return (value, "") if number is key else (None, "")
            is_known = value is None or isinstance(value, int | float | complex)
            return (self._text(key or number) if is_known else None), ""
        root, depth, last = number, 0, ""
        while isinstance(root, ast.Attribute):
            root, depth, last = root.value, depth + 1, root.attr
        if number is not key or key is None or not isinstance(root, ast.Name):
            return None, ""
        if root.id == self._own_name:
            return (self._text(key), last) if depth in (1, 2) else (None, "")
        return (None if root.id in self._local_names else self._text(key)), ""

    def _target(self, value: ast.expr) -> str | None:
        if (
            isinstance(value, ast.Attribute)
            and isinstance(value.value, ast.Name)
            and value.value.id == self._own_name
        ):
            return value.attr
        what = f"the target `{self._text(value)}` is not of the form `self.<step>`"
        fix = "A case leads to one step, written as `self.<step>`; a split can be opened there."
        self._complain("target-form", what, fix, value.lineno)
        return None

    def _distinct(self, found: list[Case], cases: ast.Dict, switch: Switch) -> Switch | None:
        """Return the switch with these cases; texts that read like another key are labelled with quotes."""
        times = Counter(case.label for case in found)
        labelled: list[Case] = []
        for case, key in zip(found, [*cases.keys, None], strict=False):
            is_text = isinstance(key, ast.Constant) and isinstance(key.value, str)
            label = repr(case.label) if is_text and times[case.label] > 1 else case.label
            labelled.append(Case(label, case.way, case.fixed))
        twice = [label for label, count in Counter(case.label for case in labelled).items() if count > 1]
        for label in twice:
            what = f"the switch has the key `{label}` twice"
            self._complain("switch-key-twice", what, "Name each key once.", switch.line)
        return None if twice else Switch(tuple(labelled), switch.condition, switch.line)
