"""Flows from source text, as if each stood in a file of its own."""

from __future__ import annotations

import itertools
import linecache
import sys
from types import ModuleType

from stepwell.definition.flowspec import FlowSpec

HEADER = """\
from stepwell.decorators.environment import environment
from stepwell.decorators.resources import resources
from stepwell.definition.flowspec import FlowSpec
from stepwell.definition.parameters import JSONType, Parameter
from stepwell.definition.step import step
"""
_numbers = itertools.count()


def flow_from(body: str) -> type[FlowSpec]:
    """Execute the text after the header, in a module of its own, and return its last flow."""
    name = f"flow_text_{next(_numbers)}"
    file = f"<{name}>"
    text = HEADER + body
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    module = ModuleType(name)
    sys.modules[name] = module
    exec(compile(text, file, "exec"), module.__dict__)
    return [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, FlowSpec) and value is not FlowSpec
    ][-1]


def flow_of(**steps: str) -> type[FlowSpec]:
    """Return a flow whose steps have these bodies; ``inputs`` is taken by those that begin with ``JOIN``."""
    lines = ["class Sample(FlowSpec):"]
    for name, body in steps.items():
        argument = ", inputs" if body.startswith("JOIN") else ""
        lines += ["    @step", f"    def {name}(self{argument}):"]
        lines += [f"        {line}" for line in (body.removeprefix("JOIN").lstrip() or "pass").splitlines()]
    return flow_from("\n".join(lines) + "\n")
