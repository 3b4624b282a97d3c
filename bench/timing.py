"""Runs flows of either framework as whole commands and times them."""

from __future__ import annotations

import os
import select
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
STEPWELL_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
"""Of an environment as a user has it: Stepwell and what the measured flows import, none of our tools."""

METAFLOW_PYTHON = ROOT / ".venv-metaflow" / "bin" / "python"
FLOWS = HERE / "flows"


@dataclass(frozen=True)
class Measured:
    """One command that ran: its wall time, the peak memory of its first process, and what its tasks noted."""

    seconds: float
    peak_mib: float
    notes: Mapping[str, float] = field(default_factory=dict[str, float])


def run_flow(framework: str, flow: Path, *options: str, after: Sequence[str] = ()) -> Measured:
    """Run a flow once, in an empty datastore that is removed again.

    Parameters
    ----------
    after
        Options of a run before it, which has to fail and is not measured: the command goes on with that.
    """
    python = str(METAFLOW_PYTHON if framework == "metaflow" else STEPWELL_PYTHON)
    scratch = Path(tempfile.mkdtemp(prefix=f"bench-{framework}-"))
    notes = scratch / "notes"
    environment = {
        **os.environ,
        "BENCH_FRAMEWORK": framework,
        "BENCH_NOTES": str(notes),
        # What was given comes along, so that a checkout can be measured with another's environment.
        "PYTHONPATH": os.pathsep.join(filter(None, (str(FLOWS), os.environ.get("PYTHONPATH")))),
        "USERNAME": "bench",
        "METAFLOW_HOME": str(scratch / "metaflow-home"),
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(scratch),
        "METAFLOW_DEFAULT_DATASTORE": "local",
        "METAFLOW_DEFAULT_METADATA": "local",
        "STEPWELL_DATASTORE_SYSROOT_LOCAL": str(scratch),
    }
    # An installed package has its bytecode; our checkout gets it from the first run that may write it.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        if after:
            run_command([python, str(flow), *after], {**environment, "BENCH_FAILS": "1"}, scratch, code=1)
        seconds, peak = run_command([python, str(flow), *options], environment, scratch)
        found = dict(line.split() for line in notes.read_text().splitlines()) if notes.exists() else {}
        return Measured(seconds, peak, {name: float(value) for name, value in found.items()})
    finally:
        shutil.rmtree(scratch)


def run_command(
    command: Sequence[str], environment: Mapping[str, str], cwd: Path, code: int = 0
) -> tuple[float, float]:
    """Return wall seconds and the peak resident memory in MiB of the command's own process, not its children.

    Raises
    ------
    RuntimeError
        The command ended with another exit code; the end of its output is in the message.
    """
    with (cwd / "output").open("w+b") as output:
        began = time.perf_counter()
        process = subprocess.Popen(command, env=environment, cwd=cwd, stdout=output, stderr=subprocess.STDOUT)
        peak = 0.0
        ended = select.poll()  # tells the end at once: waiting in steps would add a step to short commands
        handle = os.pidfd_open(process.pid)
        ended.register(handle, select.POLLIN)
        while not ended.poll(100):
            peak = max(peak, _peak_mib(process.pid))
        seconds = time.perf_counter() - began
        os.close(handle)
        process.wait()
        if process.returncode != code:
            output.seek(0)
            tail = output.read()[-2000:].decode(errors="replace")
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{tail}")
    return seconds, peak


def _peak_mib(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:  # it has just ended, or this is not Linux
        return 0.0
    peaks = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(peaks[0]) / 1024 if peaks else 0.0


def interleaved(repeats: int, *cases: Callable[[], Measured]) -> list[Measured]:
    """Run the cases in turn, A B A B, and return the median of each: noise of the machine hits all alike."""
    runs: list[list[Measured]] = [[] for _ in cases]
    for _ in range(repeats):
        for case, found in zip(cases, runs, strict=True):
            found.append(case())
    return [_median(found) for found in runs]


def _median(runs: Sequence[Measured]) -> Measured:
    names = {name for run in runs for name in run.notes}
    return Measured(
        seconds=statistics.median(run.seconds for run in runs),
        peak_mib=max(run.peak_mib for run in runs),
        notes={name: statistics.median(run.notes[name] for run in runs) for name in names},
    )
