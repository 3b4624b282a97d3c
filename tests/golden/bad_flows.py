"""Flows with mistakes that people make, and the whole of what `check --warnings` says of them.

`make golden` writes what is said now; read the difference as a beginner would.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from pathlib import Path

from stepwell.cli.errors import run_command
from stepwell.cli.main import stepwell_group

SAID = Path(__file__).with_name("bad_flows.txt")
_HEADER = """\
from stepwell import FlowSpec, Parameter, catch, parallel, resources, retry, step

class Sample(FlowSpec):
"""
# Each line is a step and its body; what stands before the first is the body of the class.
FLOWS = {
    "no step": "",
    "no entry": "begin: self.next(self.end) / end: pass",
    "no exit": "start: self.next(self.last) / last: pass",
    "mistyped target": "start: self.next(self.midle) / middle: self.next(self.end) / end: pass",
    "step that is called": "start: self.next(self.end()) / end: pass",
    "no transition": "start: self.x = 1 / middle: self.next(self.end) / end: pass",
    "statement behind the transition": "start: self.next(self.end); print(1) / end: pass",
    "transition in a loop": "start: [self.next(self.end) for _ in range(2)] / end: pass",
    "path without a transition": "start: x = 1; if x: self.next(self.end) / end: pass",
    "unreachable step": "start: self.next(self.end) / lonely: self.next(self.end) / end: pass",
    "cycle": "start: self.next(self.a) / a: self.next(self.b) / b: self.next(self.a) / end: pass",
    "split that is not joined": (
        "start: self.next(self.a, self.b) / a: self.next(self.end) / b: self.next(self.end) / end: pass"
    ),
    "join without a split": "start: self.next(self.j) / j(inputs): self.next(self.end) / end: pass",
    "foreach of a text": (
        "start: self.next(self.a, foreach='the items') / a: self.next(self.j) / "
        "j(inputs): self.next(self.end) / end: pass"
    ),
    "foreach straight into its join": (
        "start: self.next(self.j, foreach=[1]) / j(inputs): self.next(self.end) / end: pass"
    ),
    "switch without condition": "start: self.next({'a': self.end}) / end: pass",
    "key that cannot be read": (
        "start: self.k = 1; self.next({len('a'): self.end}, condition='k') / end: pass"
    ),
    "switch without a choice": (
        "start: self.k = 1; self.next({1: self.end, 2: self.end}, condition='k') / end: pass"
    ),
    "gang of an unmarked step": (
        "start: self.next(self.a, num_parallel=2) / a: self.next(self.j) / "
        "j(inputs): self.next(self.end) / end: pass"
    ),
    "mistyped artifact": "start: self.score = 1; self.next(self.end) / end: print(self.scor)",
    "artifact that is set too late": "start: self.count += 1; self.next(self.end) / end: pass",
    "mistyped artifact of an input": (
        "start: self.next(self.a, self.b) / a: self.x = 1; self.next(self.j) / "
        "b: self.x = 2; self.next(self.j) / "
        "j(inputs): self.y = [i.z for i in inputs]; self.next(self.end) / end: pass"
    ),
    "mistyped items": (
        "start: self.items = [1]; self.next(self.a, foreach='itmes') / a: self.next(self.j) / "
        "j(inputs): self.next(self.end) / end: pass"
    ),
    "artifact that a join drops": (
        "start: self.x = 1; self.next(self.a, self.b) / a: self.next(self.j) / "
        "b: self.next(self.j) / j(inputs): self.next(self.end) / end: print(self.x)"
    ),
    "artifact of one case": (
        "start: self.k = 1; self.next({1: self.a, 2: self.b}, condition='k') / "
        "a: self.x = 1; self.next(self.end) / b: self.next(self.end) / end: print(self.x)"
    ),
    "undefined name": "start: pritn('hello'); self.next(self.end) / end: pass",
    "forgotten self": (
        "alpha = Parameter('alpha', default=1) / "
        "start: print(alpha, self.alpha); self.next(self.end) / end: pass"
    ),
    "assignment to a parameter": (
        "alpha = Parameter('alpha', default=1) / start: self.alpha = 2; self.next(self.end) / end: pass"
    ),
    "assignment to a step": "start: self.end = 2; self.next(self.end) / end: pass",
    "default of another type": (
        "alpha = Parameter('alpha', default='x', type=int) / "
        "start: print(self.alpha); self.next(self.end) / end: pass"
    ),
    "parameter that nobody reads": (
        "spare = Parameter('spare', default=1) / start: self.next(self.end) / end: pass"
    ),
    "foreach over a set": (
        "start: self.next(self.a, foreach={1, 2}) / a: self.next(self.j) / "
        "j(inputs): self.next(self.end) / end: pass"
    ),
    "artifact in a decorator": (
        "start: self.heavy = 1; self.next(self.end) / @resources(cpu=2 if self.heavy else 1) / end: pass"
    ),
    "parameter in a decorator": (
        "alpha = Parameter('alpha', default=1) / start: print(self.alpha); self.next(self.end) / "
        "@resources(cpu=alpha) / end: pass"
    ),
    "mistyped attribute of a decorator": "start: self.next(self.end) / @resources(cpus=2) / end: pass",
    "caught switch": (
        "@catch / start: self.k = 1; self.next({1: self.a, 2: self.end}, condition='k') / "
        "a: self.next(self.end) / end: pass"
    ),
    "everything at once": (
        "start: self.next(self.midle); print(undefined) / middle: self.next(self.ende) / end: pass"
    ),
}


def source_of(text: str) -> str:
    """Return the flow that an entry stands for."""
    lines: list[str] = []
    for part in filter(None, text.split(" / ")):
        name, colon, body = part.partition(": ")
        if not colon or not name.replace("(inputs)", "").isidentifier():
            lines.append(part)
            continue
        # `@step` stands directly above the function.
        lines += ["@step", f"def {name.replace('(inputs)', '')}(self{', inputs' if '(' in name else ''}):"]
        for statement in body.split("; "):
            head, is_if, then = statement.partition("if x: ")
            lines += [f"    {head}if x:", f"        {then}"] if is_if else [f"    {statement}"]
        lines.append("")
    return _HEADER + "\n".join(f"    {line}".rstrip() for line in lines or ["pass"]) + "\n"


def said_of_all() -> str:
    """Return what is said of each flow, one after the other."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            return "\n".join(_said(number, *one) for number, one in enumerate(FLOWS.items()))
        finally:
            os.chdir(before)


def _said(number: int, title: str, text: str) -> str:
    file = Path(f"mistake_{number}.py")
    file.write_text(source_of(text), encoding="utf-8")
    err = io.StringIO()
    with contextlib.redirect_stderr(err):
        code = run_command(stepwell_group(), ["check", "--warnings", file.name], "stepwell")
    said = err.getvalue().replace(f"{Path.cwd()}{os.sep}", "").replace(file.stem, "flow")
    return f"## {title} (exit code {code})\n{said}"


if __name__ == "__main__":
    SAID.write_text(said_of_all(), encoding="utf-8")
