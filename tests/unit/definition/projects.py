"""Small projects in folders of their own, and the code of their steps."""

from __future__ import annotations

import itertools
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from stepwell.definition.loader import load_flow
from stepwell.definition.step import steps_of
from stepwell.definition.step_code import StepCode, step_code

_numbers = itertools.count()

FLOW = """\
from stepwell import FlowSpec, step
"""


def codes_of(files: Mapping[str, str], flow: str = "flow.py") -> dict[str, StepCode]:
    """Write a project, import its flow, and return the code of each step; nothing of it stays imported."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, f"project{next(_numbers)}")
        for name, text in files.items():
            file = place / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        path = list(sys.path)
        try:
            flow_class = load_flow(str(place / flow))
            return {name: step_code(flow_class, name) for name in steps_of(flow_class)}
        finally:
            sys.path[:] = path
            for name, module in list(sys.modules.items()):
                if str(getattr(module, "__file__", None)).startswith(str(place)):
                    del sys.modules[name]


def flow_text(start: str, *, head: str = "", members: str = "", end: str = "pass") -> str:
    """Return a flow of two steps: the body of the first, what stands above the class, and more members."""

    def indented(text: str, by: int) -> str:
        return "".join(f"{' ' * by}{line}\n" if line.strip() else "\n" for line in text.splitlines())

    return (
        f"{FLOW}{head}\n\nclass Sample(FlowSpec):\n{indented(members, 4)}\n"
        f"    @step\n    def start(self):\n{indented(start, 8)}        self.next(self.end)\n\n"
        f"    @step\n    def end(self):\n{indented(end, 8)}"
    )


def names_in(code: StepCode) -> set[str]:
    """Return the names of the parts."""
    return {part.name for part in code.parts}
