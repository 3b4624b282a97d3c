"""Which module of the standard library has the shortest functions? Run by ``stepwell demo``.

One measurement fails at first and is tried again. With a unit that it does not know, the last step fails; the
demo shows that a run is resumed then, and measures nothing a second time.
"""

# ruff: noqa: T201 - the output of a step is what `print` writes
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from stepwell.cards import Columns, Markdown, ProgressBar, Table, ValueBox
from stepwell.decorators.card import card
from stepwell.decorators.retry import retry
from stepwell.definition.flowspec import FlowSpec
from stepwell.definition.parameters import Parameter
from stepwell.definition.step import step
from stepwell.runtime.task.current import current

UNITS = {"lines": 1, "screens": 40}


class LibraryStatistics(FlowSpec):
    """Measures modules of the standard library, one task each, and compares them."""

    modules = Parameter(
        "modules",
        default="json,csv,heapq,textwrap,statistics,argparse",
        separator=",",
        help="modules to measure",
    )
    unit = Parameter("unit", default="lines", help="what lengths are told in: lines or screens")

    @step
    def start(self) -> None:
        """Take the modules that are asked for."""
        self.names = list(self.modules)
        self.next(self.measure, foreach="names")

    @retry(times=2, delay=0.3)
    @step
    def measure(self) -> None:
        """Read one module's source and count what is in it."""
        import ast
        import importlib.util
        from pathlib import Path

        self.module = str(self.input)
        if self.index == 0 and current.retry_count == 0:
            raise OSError(f"The source of {self.module} cannot be read just now (this demo makes it so).")
        spec = importlib.util.find_spec(self.module)
        if spec is None or spec.origin is None:
            raise ValueError(f"{self.module} has no source file")
        source = Path(spec.origin).read_text(encoding="utf-8")
        self.lines = source.count("\n")
        nodes = list(ast.walk(ast.parse(source)))
        self.functions = sum(isinstance(node, ast.FunctionDef) for node in nodes)
        print(f"{self.module}: {self.lines} lines, {self.functions} functions")
        self.next(self.compare)

    @step
    def compare(self, inputs: Iterable[Any]) -> None:
        """Bring the measurements together."""
        import statistics

        self.measured: dict[str, tuple[int, int]] = {it.module: (it.lines, it.functions) for it in inputs}
        self.per_function = {name: lines / max(1, count) for name, (lines, count) in self.measured.items()}
        self.ranking = sorted(self.per_function, key=self.per_function.__getitem__)
        self.median_lines = statistics.median(lines for lines, _ in self.measured.values())
        self.next(self.end)

    @card
    @step
    def end(self) -> None:
        """Say what came of it."""
        if self.unit not in UNITS:
            raise ValueError(f"The unit {self.unit!r} is not known; the units are {', '.join(UNITS)}.")
        self.median = self.median_lines / UNITS[self.unit]
        print(
            f"shortest functions: {self.ranking[0]}; median length of a module: {self.median:g} {self.unit}"
        )
        self.report()

    def report(self) -> None:
        """Put what came of it on the card."""
        longest = max(self.per_function.values())
        current.card.append(
            Columns(
                ValueBox("Shortest functions", self.ranking[0], "of all modules that were measured"),
                ValueBox("Median length of a module", self.median, self.unit),
                ValueBox("Functions", sum(count for _, count in self.measured.values()), "in all"),
            )
        )
        current.card.append(
            Markdown("## Lines for each function\nModules with the shortest functions come first.")
        )
        rows = [
            [name, *self.measured[name], ProgressBar(longest, value=self.per_function[name], unit="lines")]
            for name in self.ranking
        ]
        current.card.append(Table(rows, headers=["Module", "Lines", "Functions", "Lines for each function"]))


if __name__ == "__main__":
    LibraryStatistics()
