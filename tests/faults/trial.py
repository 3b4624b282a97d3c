"""A folder in which commands of one flow are disturbed, and the one judge of what comes of it."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from command_line import Folder, alive_with, nothing_left
from graphs import source
from injection import Fault, Signal, packs_in
from stored_runs import place_of, scope, stored_run
from tally import Tally

from stepwell.client.objects import Flow, Task

PATIENCE_S = 60
"""Far more than any command here needs: who exceeds it hangs."""

_KILLED = -signal.SIGKILL
_GOOD = ("succeeded", "reused")
_OURS = re.compile(r'Internal error|File "[^"]*/src/stepwell/')
"""What no fault excuses: a mistake of ours, or a traceback through our code."""


class Trial:
    """Commands of one flow, and faults.

    The first run of the flow is left alone: what it made is what every run has to come to.

    Parameters
    ----------
    origin
        The seed of all chance here, for whoever wants to see a failure again.
    """

    def __init__(self, path: Path, tally: Tally, origin: str) -> None:
        self.folder = Folder(path)
        self.tally = tally
        self.mark = f"fault-{uuid.uuid4().hex}"
        self.duration_s = 0.0
        self._committed: dict[Path, bytes] = {}
        print(f"repeat with {origin}")

    def prepare(self, graph: str) -> None:
        """Leave the flow and an undisturbed run of it."""
        self.folder.file(source(graph))
        began = time.monotonic()
        code, said = self.call("run")
        self.duration_s = time.monotonic() - began
        assert code == 0, said

    def begin(self, *args: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start a command of the flow and leave it running."""
        return subprocess.Popen(
            [sys.executable, "flow.py", *args],
            cwd=self.folder.path,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "FAULT_MARK": self.mark, **(env or {})},
        )

    def call(self, *args: str, fault: Fault | None = None, **env: str) -> tuple[int, str]:
        """Run a command to its end, whatever brings that about; return its exit code and all that it said.

        Nothing that it started may be left.
        """
        environment = {**env, **(fault.environment() if fault else {})}
        with self.begin(*args, env=environment) as process, Reading(process) as reading:
            if fault is not None:
                fault.strike(process, self.folder.path)
            try:
                process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                raise AssertionError(f"{args} hangs after {fault}: {reading.text()}") from None
        print(args, fault, process.returncode)
        nothing_left(self.mark)
        said = reading.text()
        if isinstance(fault, Signal) and process.returncode == -fault.number:
            return process.returncode, said  # Python itself ended, before or after there was a run
        assert not _OURS.search(said), said
        assert process.returncode in (0, 1, 2, 130, _KILLED), said
        return process.returncode, said

    def disturb(self, *args: str, fault: Fault) -> bool:
        """Run a command with a fault; return whether that came in time to end the command."""
        code, said = self.call(*args, fault=fault)
        if code == 0 or "nothing is left" in said:
            return False
        self.tally.injected += 1
        self._committed = {file: file.read_bytes() for file in packs_in(self.folder.path)}
        return True

    def runs(self) -> list[str]:
        """Return the ids of the runs on record, the newest first."""
        return [run.id for run in Flow("F", scope(self.folder))]

    def go_on(self, replaced: bool = False) -> None:
        """Continue the newest run, and judge it."""
        id = self.runs()[0]
        code, said = self.call("continue", id)
        assert code == 0, said
        self.judge(id, replaced)

    def judge(self, id: str, replaced: bool = False) -> None:
        """Fail unless the run has the artifacts of the undisturbed one, and what was committed stands.

        Parameters
        ----------
        replaced
            Results were taken away: tasks without them stay on record, beside those made in their place.
        """
        assert stored_run(self.folder, id).successful
        wrong = [*self._differences(id, replaced), *self._uncommitted()]
        self.tally.lost += len(wrong)
        assert not wrong, "\n".join(wrong)
        self.tally.recovered += 1

    def clear_up(self) -> None:
        """Kill what a failed trial has left."""
        for pid in alive_with(self.mark):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _differences(self, id: str, replaced: bool) -> list[str]:
        tasks = [
            task
            for step in stored_run(self.folder, id)
            for task in step
            if task.status in _GOOD or not replaced
        ]
        wanted = _values_of(task for step in stored_run(self.folder) for task in step)
        found = _values_of(tasks)
        wrong = [f"{place} is made that should not be" for place in found.keys() - wanted.keys()]
        for place, values in wanted.items():
            there = found.get(place, {})
            wrong += [f"{place} has other artifacts" for _ in there.keys() ^ values.keys()]
            wrong += [f"{name} of {place}" for name in there.keys() & values if there[name] != values[name]]
        if not len(tasks) == len({task.id for task in tasks}) == len(found):
            wrong.append(f"tasks are made twice: {tasks}")
        return wrong

    def _uncommitted(self) -> list[str]:
        return [
            f"{file} was committed and has changed"
            for file, data in self._committed.items()
            if not file.exists() or file.read_bytes() != data
        ]


def _values_of(tasks: Iterable[Task]) -> dict[tuple[object, ...], dict[str, object]]:
    """Return what tasks have made, by place: these flows keep the turn of a loop and the node of a gang."""
    made: dict[tuple[object, ...], dict[str, object]] = {}
    for task in tasks:
        values = {artifact.id: artifact.data for artifact in task}
        made[(*place_of(task), values.get("turn"), values.get("node"))] = values
    return made


class Reading:
    """Reads what a process says in a thread, so that it never waits for its reader."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._said = b""
        self._thread = threading.Thread(target=self._read, daemon=True)

    def _read(self) -> None:
        assert self._process.stdout is not None
        self._said = self._process.stdout.read()

    def __enter__(self) -> "Reading":
        self._thread.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self._thread.join(PATIENCE_S)

    def text(self) -> str:
        return self._said.decode(errors="replace")
