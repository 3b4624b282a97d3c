"""Names that nothing defines, and names that no artifact may have."""

from __future__ import annotations

import pytest
from checked_steps import FLOW, found, in_start
from flow_sources import flow_from


# SPEC 5.3-4
@pytest.mark.parametrize(
    ("body", "severity"),
    [
        ("print(undefined)", "error"),
        ("for x in range(3):\n    undefined(x)", "error"),
        ("def f():\n    return undefined\nf()", "error"),
        ("x = [undefined for y in range(3)]", "error"),
        ("with open('f') as f:\n    undefined(f)", "error"),
        ("if self.number:\n    undefined", "warning"),
        ("try:\n    undefined\nexcept NameError:\n    pass", "warning"),
        ("globals()['undefined'] = 1\nprint(undefined)", "warning"),
        ("import sys\nsys.modules[__name__].undefined = 1\nprint(undefined)", "warning"),
        ("import builtins\nbuiltins.undefined = 1\nprint(undefined)", "warning"),
        ("import gettext\ngettext.install('flow')\nprint(undefined)", "warning"),
        ("print(number)", "error"),
    ],
)
def test_a_name_that_nothing_defines_is_found(body, severity):
    text = FLOW.replace("{body}", "\n".join(f"        {line}" for line in body.splitlines()))
    flow = flow_from(text.replace("{end}", "pass").replace("{decorator}", ""))

    assert [one[:2] for one in found(flow)] == [(severity, "undefined-name")]


# SPEC 5.3-4
def test_a_helper_of_the_module_may_give_it_names():
    helper = "def load():\n    globals().update(undefined=1)\n"
    text = FLOW.replace("{body}", "        load()\n        print(undefined)").replace("{end}", "pass")

    assert [one[0] for one in found(flow_from(helper + text.replace("{decorator}", "")))] == ["warning"]


# SPEC 5.3-4
@pytest.mark.parametrize(
    "body",
    [
        "x = 1\nprint(x, __name__, __file__, len, custom, FlowSpec, Sample)",
        "import json as j\nprint(j)",
        "class A:\n    m = 1\n    n = m\nprint(A)",
        "print([y for y in range(3) if (z := y)], z)",
        "try:\n    pass\nexcept ValueError as e:\n    print(e)",
        "x: Undefined = 1",
        "match self.number:\n    case [a, *b]:\n        a, b\n    case {'k': c, **d}:\n        c, d",
        "global made\nmade = 1\nprint(made)",
        "touch(1)\nprint(touched)",
        "f = lambda q, *r, s=1, **t: (q, r, s, t)",
        "def outer():\n    v = 1\n    def inner():\n        nonlocal v\n        v += 1\n    return inner",
    ],
)
def test_names_that_are_defined_in_any_form_are_not_reported(body):
    text = FLOW.replace("{body}", "\n".join(f"        {line}" for line in body.splitlines()))
    flow = flow_from("__file__ = 'f'\n" + text.replace("{end}", "pass").replace("{decorator}", ""))

    assert found(flow) == []


# SPEC 5.3-4
@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ("self.number = 2", "fixed-name"),
        ("self.KINDS = []", "fixed-name"),
        ("self.KINDS += [1]", "fixed-name"),
        ("del self.number", "fixed-name"),
        ("setattr(self, 'number', 1)", "fixed-name"),
        ("for self.number in range(3):\n    pass", "fixed-name"),
        ("self.end = 1", "shadowing-artifact"),
        ("self.helper = 1", "shadowing-artifact"),
        ("self.doubled = 1", "shadowing-artifact"),
        ("self.once = 1", "shadowing-artifact"),
        ("self.fixed = 1", "shadowing-artifact"),
        ("self.input = 1", "shadowing-artifact"),
        ("self._graph = 1", "shadowing-artifact"),
    ],
)
def test_assignments_that_a_task_would_refuse_are_found_before(body, rule):
    sure = in_start(body)
    guarded = in_start("try:\n    " + body.replace("\n", "\n    ") + "\nexcept AttributeError:\n    pass")

    assert sure[0][1] == guarded[0][1] == rule
    assert (sure[0][0], guarded[0][0]) == ("warning" if body.startswith("for") else "error", "warning")
