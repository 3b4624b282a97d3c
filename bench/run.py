"""Measures every budget of the design and writes RESULTS.md.

Stepwell and Metaflow run the same flow sources in turn, A B A B, on one machine; the table has the medians.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import cases
import recovery
from cases import QUICK, Row, Scale
from timing import HERE, METAFLOW_PYTHON, STEPWELL_PYTHON

RESULTS = HERE / "RESULTS.md"
REASONS = HERE / "missed.md"
"""Written by hand, and added to the results: which budgets are missed, why, and what was tried."""

CASES: dict[str, Callable[[Scale], list[Row]]] = {
    "import": cases.import_time,
    "hello": cases.hello,
    "chain": cases.chain,
    "fan": cases.fan,
    "memory": cases.memory,
    "array": cases.array,
    "small": cases.small_artifacts,
    "recovery": recovery.recovery,
}

# Programs beside this one that measure without a flow: each has `measure() -> dict`.
STANDALONE = ("executor_simulation", "client_listing", "fork_floor")

AT_MOST = {
    "us_per_transition_1000": 10.0,
    "us_per_transition_100000": 10.0,
    "us_per_transition_1000000": 10.0,
    "flatness": 1.5,
}
"""Budgets of what those programs measure. ``flatness`` is the widest foreach over the narrowest."""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", nargs="*", help=f"which to run: {', '.join([*CASES, *STANDALONE])}")
    parser.add_argument("--quick", action="store_true", help="a small run that writes no results")
    options = parser.parse_args()
    unknown = set(options.cases) - {*CASES, *STANDALONE}
    if unknown:
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    for python in (STEPWELL_PYTHON, METAFLOW_PYTHON):
        if not python.exists():
            parser.error(f"{python} is not there; `make bench` installs what is measured")
    chosen = options.cases or [*CASES, *STANDALONE]
    rows: list[Row] = []
    for name in chosen:
        print(f"{name} ...", file=sys.stderr, flush=True)
        if name in CASES:
            rows += CASES[name](QUICK if options.quick else Scale())
        else:
            rows += standalone(name)
        if not options.quick:
            # After each case: what has been measured is not lost if a later one is broken off.
            RESULTS.write_text(f"{heading(options.cases)}\n{render(rows)}\n{REASONS.read_text()}")
    print(render(rows))
    if not options.quick:
        print(f"written to {RESULTS}", file=sys.stderr)
    return 0


def standalone(name: str) -> list[Row]:
    """Rows of a program that measures by itself."""
    found: dict[str, object] = importlib.import_module(name).measure()
    rows: list[Row] = []
    for what, value in found.items():
        text = f"{name.replace('_', ' ')}: {what.replace('_', ' ')}"
        most = AT_MOST.get(what)
        if most is None or not isinstance(value, int | float):
            rows.append(Row(text, _number(value)))
        else:
            rows.append(Row(text, _number(value), budget=f"{most:g}", kept=value <= most))
    return rows


def _number(value: object) -> str:
    if isinstance(value, tuple):  # what `fork_floor` measures
        wall, cpu = value
        return f"{wall:.2f} ms wall, {cpu:.2f} ms CPU"
    if isinstance(value, float):
        return f"{value:,.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def render(rows: list[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| what | Stepwell | Metaflow | raw limit | ratio | budget | |", "|---|---|---|---|---|---|---|"]
    verdict = {True: "kept", False: "**missed**", None: ""}
    lines += [
        f"| {r.what} | {r.stepwell} | {r.metaflow} | {r.raw} | {r.ratio} | {r.budget} | {verdict[r.kept]} |"
        for r in rows
    ]
    return "\n".join(lines) + "\n"


def heading(cases: list[str]) -> str:
    """Where, when and with what the numbers were made; ``cases`` if only some of them were run."""
    command = f"python bench/run.py {' '.join(cases)}" if cases else "make bench"
    metaflow = subprocess.run(
        [str(METAFLOW_PYTHON), "-c", "from importlib.metadata import version; print(version('metaflow'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        "# Results\n\n"
        f"Made by `{command}` on {datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores, {memory:.0f} GiB of "
        f"memory, {platform.system()} {platform.release()}, Python {platform.python_version()}, "
        f"Metaflow {metaflow}.\n\n"
        "Stepwell and Metaflow ran the same flows in turn; times are medians of whole commands unless said\n"
        "otherwise, each framework with its default settings. Numbers of another machine differ; the ratios\n"
        "should not, by much.\n"
    )


if __name__ == "__main__":
    raise SystemExit(main())
