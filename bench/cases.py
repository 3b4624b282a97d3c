"""What is measured: one function for each budget. Each returns the rows of the table it adds."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import array_write
from timing import FLOWS, HERE, STEPWELL_PYTHON, Measured, interleaved, run_flow


@dataclass(frozen=True)
class Row:
    """One line of the results: a number, what it is held against, and the budget it has."""

    what: str
    stepwell: str
    metaflow: str = ""
    raw: str = ""
    ratio: str = ""
    budget: str = ""
    kept: bool | None = None


@dataclass(frozen=True)
class Scale:
    """How much is run. ``quick`` proves that the benchmark works; its numbers mean little.

    ``metaflow_repeats`` is for cases in which one run of Metaflow takes half a minute.
    """

    repeats: int = 5
    metaflow_repeats: int = 2
    fan: int = 1_000
    wide_fan: int = 20_000
    widest_fan: int = 100_000
    metaflow_fan: int = 100
    resumed_fan: int = 10_000
    mebibytes: int = 512


QUICK = Scale(
    repeats=1,
    metaflow_repeats=1,
    fan=100,
    wide_fan=400,
    widest_fan=800,
    metaflow_fan=4,
    resumed_fan=200,
    mebibytes=16,
)


def import_time(scale: Scale) -> list[Row]:
    """``import stepwell`` over a bare interpreter."""

    def command(code: str) -> Measured:
        began = time.perf_counter()
        subprocess.run([str(STEPWELL_PYTHON), "-c", code], check=True)
        return Measured(time.perf_counter() - began, 0)

    bare, ours, theirs = interleaved(
        scale.repeats * 3,
        partial(command, "pass"),
        partial(command, "import stepwell"),
        partial(command, "from stepwell import FlowSpec, Parameter, step"),
    )
    importing, names = ours.seconds - bare.seconds, theirs.seconds - bare.seconds
    return [
        Row(
            "`import stepwell`",
            ms(importing),
            raw=ms(bare.seconds),
            budget="40 ms",
            kept=importing <= 0.040,
        ),
        Row("with `FlowSpec`, `Parameter`, `step`", ms(names), raw=ms(bare.seconds)),
    ]


def hello(scale: Scale) -> list[Row]:
    """Three steps, the whole command."""
    flow = FLOWS / "hello.py"
    ours, theirs = interleaved(
        scale.repeats, partial(run_flow, "stepwell", flow, "run"), partial(run_flow, "metaflow", flow, "run")
    )
    return [against("hello, 3 steps, whole command", ours, theirs, at_least=8)]


def chain(scale: Scale) -> list[Row]:
    """Forty tiny steps, one after the other, each computing fibo(10)."""
    with tempfile.TemporaryDirectory() as folder:
        flow = Path(folder) / "chain.py"
        flow.write_text(chain_source(40))
        ours, theirs = interleaved(
            scale.metaflow_repeats,
            partial(run_flow, "stepwell", flow, "run"),
            partial(run_flow, "metaflow", flow, "run"),
        )
    return [against("chain of 40 steps, each `fibo(10)`", ours, theirs)]


def chain_source(steps: int) -> str:
    """The source of a chain; the graph is read from source, so it has to be written out."""
    head = (
        "from framework import FlowSpec, step\n\n\n"
        "def fibo(n):\n    return n if n < 2 else fibo(n - 1) + fibo(n - 2)\n\n\n"
        "class BenchChain(FlowSpec):\n"
    )
    names = ["start", *(f"step_{number}" for number in range(2, steps)), "end"]
    parts: list[str] = []
    for name, following in zip(names, [*names[1:], None], strict=True):
        leads = f"        self.next(self.{following})\n" if following else ""
        parts.append(f"    @step\n    def {name}(self):\n        self.value = fibo(10)\n{leads}")
    return f'{head}{chr(10).join(parts)}\n\nif __name__ == "__main__":\n    BenchChain()\n'


def fan(scale: Scale) -> list[Row]:
    """Wide foreaches of trivial tasks: throughput, and growth of the cost with the width."""
    ours, floor = interleaved(
        scale.repeats, partial(_fan_of, "stepwell", scale.fan), partial(fork_floor, scale.fan)
    )
    (theirs,) = interleaved(scale.metaflow_repeats, partial(_fan_of, "metaflow", scale.metaflow_fan))
    wide = _fan_of("stepwell", scale.wide_fan)
    per_task = ours.seconds / scale.fan
    throughput = (theirs.seconds / scale.metaflow_fan) / per_task
    to_floor = ours.seconds / floor.seconds
    growth = (wide.seconds / scale.wide_fan) / per_task
    return [
        Row(
            f"foreach, {scale.fan:,} tasks (Metaflow: {scale.metaflow_fan}), whole command / width",
            ms(per_task),
            ms(theirs.seconds / scale.metaflow_fan),
            ratio=f"{throughput:.0f}x faster",
            budget="40x",
            kept=throughput >= 40,
        ),
        Row(
            "the same against fork + exit + one file",
            ms(per_task),
            raw=ms(floor.seconds / scale.fan),
            ratio=f"{to_floor:.1f}x the raw cost",
            budget="3x",
            kept=to_floor <= 3,
        ),
        Row(
            f"cost per task, {scale.wide_fan:,} wide against {scale.fan:,} wide (one run)",
            ms(wide.seconds / scale.wide_fan),
            ratio=f"{growth:.2f}x",
            budget="1.2x",
            kept=growth <= 1.2,
        ),
    ]


def memory(scale: Scale) -> list[Row]:
    """What the run process needs at its peak while it drives very many tasks."""
    wide = _fan_of("stepwell", scale.widest_fan)
    return [
        Row(
            f"peak memory of the run process, {scale.widest_fan:,} tasks",
            f"{wide.peak_mib:.0f} MiB",
            budget="300 MiB",
            kept=wide.peak_mib <= 300,
        ),
        Row("the same run, wall time per task", ms(wide.seconds / scale.widest_fan)),
    ]


def _fan_of(framework: str, width: int) -> Measured:
    return run_flow(framework, FLOWS / "fan.py", "run", "--width", str(width), "--max-num-splits", str(width))


def fork_floor(tasks: int) -> Measured:
    """What `raw.py` measures in a bare process."""
    command = [sys.executable, "-I", "-S", str(HERE / "raw.py"), str(tasks)]
    return Measured(float(subprocess.run(command, capture_output=True, text=True, check=True).stdout), 0)


def array(scale: Scale) -> list[Row]:
    """A large array of random numbers through three steps."""
    flow, size = FLOWS / "big_array.py", f"{scale.mebibytes} MiB array"
    options = ("run", "--mebibytes", str(scale.mebibytes))
    ours, theirs = interleaved(
        scale.metaflow_repeats,
        partial(run_flow, "stepwell", flow, *options),
        partial(run_flow, "metaflow", flow, *options),
    )
    stored, written = array_write.measure(scale.mebibytes, scale.repeats)
    load = ours.notes["load_s"]
    return [
        against(f"{size} through three steps, whole command", ours, theirs, at_least=10),
        Row(
            f"{size}: stored",
            ms(stored),
            raw=ms(written),
            ratio=f"{stored / written:.2f}x a raw file write",
            budget="1.3x",
            kept=stored / written <= 1.3,
        ),
        Row(
            f"{size}: loaded in a task",
            ms(load),
            ms(theirs.notes["load_s"]),
            budget="5 ms",
            kept=load <= 0.005,
        ),
        Row(
            f"{size}: from the end of a step's code to the start of the next",
            ms(ours.notes["stored_s"]),
            ms(theirs.notes["stored_s"]),
        ),
    ]


def small_artifacts(scale: Scale) -> list[Row]:
    """A thousand small artifacts made in one step and passed on."""
    flow = FLOWS / "small.py"
    ours, theirs = interleaved(
        min(scale.repeats, 3),
        partial(run_flow, "stepwell", flow, "run"),
        partial(run_flow, "metaflow", flow, "run"),
    )
    return [against("1,000 small artifacts in a step, whole command", ours, theirs)]


def against(what: str, ours: Measured, theirs: Measured, at_least: float | None = None) -> Row:
    """A line that holds a whole command against Metaflow's."""
    ratio = theirs.seconds / ours.seconds
    return Row(
        what,
        ms(ours.seconds),
        ms(theirs.seconds),
        ratio=f"{ratio:.1f}x faster",
        budget=f"{at_least:g}x" if at_least else "",
        kept=ratio >= at_least if at_least else None,
    )


def ms(seconds: float) -> str:
    """A time in words."""
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.2f} ms"
