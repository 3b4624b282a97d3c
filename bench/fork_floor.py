"""The raw limit of a task, a bare fork that writes one file and exits, against what the local engine adds.

Run as ``python bench/fork_floor.py [N]``; prints milliseconds of wall time and of CPU per task.
"""

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

from stepwell.engine.handle import TaskExited
from stepwell.engines.local.engine import LocalEngine
from stepwell.model.ids import TaskKey
from stepwell.model.policy import StepPolicy
from stepwell.model.run import RunInfo
from stepwell.model.task import TaskOutcome, TaskRequest

WORKERS = 2


def _cpu(who):
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def _write(folder, name):
    fd = os.open(f"{folder}/{name}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(fd, b"x" * 500)
    os.close(fd)


def _floor(n, folder):
    running = started = 0
    while started < n or running:
        while running < WORKERS and started < n:
            if os.fork() == 0:
                _write(folder, started)
                os._exit(0)
            started, running = started + 1, running + 1
        os.wait()
        running -= 1


def _engine(n, folder):
    def run_task(_info, request, report):
        _write(folder, request.key.task)
        report(TaskOutcome(ok=True, started_at=0.0, ended_at=0.0))
        return 0

    engine = LocalEngine(run_task, WORKERS)
    engine.start(RunInfo(flow="Floor", run="1", script="floor.py", user="bench"))
    submitted = ended = 0
    while ended < n:
        free = min(n, ended + engine.queue_depth)
        keys = [TaskKey("Floor", "1", "work", str(number)) for number in range(submitted, free)]
        engine.submit([(TaskRequest(key=key), StepPolicy()) for key in keys])
        submitted = free
        ended += sum(isinstance(report, TaskExited) for report in engine.reports(1.0))
    engine.close()


def _measured(work, n):
    """Run ``work`` in a process of its own; return (wall, CPU) in milliseconds per task."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            work(n, folder)
            wall = time.perf_counter() - began
        cpu = _cpu(resource.RUSAGE_SELF) + _cpu(resource.RUSAGE_CHILDREN)
        os.write(write, f"{wall / n * 1e3} {cpu / n * 1e3}".encode())
        os._exit(0)
    os.waitpid(pid, 0)
    os.close(write)
    with open(read, "rb") as file:
        return tuple(float(word) for word in file.read().split())


def measure(n=1000):
    """Return ``{"floor": (wall_ms, cpu_ms), "engine": (wall_ms, cpu_ms)}`` per task."""
    return {"floor": _measured(_floor, n), "engine": _measured(_engine, n)}


if __name__ == "__main__":
    for name, (wall, cpu) in measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1000).items():
        print(f"{name:8} {wall:7.2f} ms wall {cpu:7.2f} ms CPU")
    print(f"run from {Path(__file__).name} with {WORKERS} at a time")
