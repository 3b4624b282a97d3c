"""What runs of a folder have left, read with the client, and what a run says as events."""

import json
import subprocess
import sys
from typing import Any

from command_line import Folder

from stepwell.client.objects import Run, Task
from stepwell.client.scope import Connection, Scope

Place = tuple[str, str]
"""Step, and the path of foreach indexes, which two executions of a flow have in common."""


def begin(folder: Folder, command: str, **more: Any) -> subprocess.Popen[bytes]:
    """Start a command of the flow and leave it running."""
    return subprocess.Popen(
        [sys.executable, "flow.py", command],
        cwd=folder.path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **more,
    )


def scope(folder: Folder) -> Scope:
    """Return what opens all results of the folder, whoever made them."""
    return Scope(Connection(f"local@{folder.root}"), None)


def stored_run(folder: Folder, id: str = "1", flow: str = "F") -> Run:
    return Run(f"{flow}/{id}", scope(folder))


def stored_task(folder: Folder, path: str, attempt: int | None = None) -> Task:
    return Task(f"F/{path}", attempt, scope(folder))


def place_of(task: Task) -> Place:
    return task.path_components[2], task.metadata_dict.get("foreach-execution-path", "")


def tasks_of(run: Run) -> dict[Place, Task]:
    """Return every task by its place."""
    return {place_of(task): task for step in run for task in step}


def values_of(run: Run) -> dict[Place, dict[str, object]]:
    """Return every artifact of every task."""
    return {place: {artifact.id: artifact.data for artifact in task} for place, task in tasks_of(run).items()}


def states_of(run: Run) -> dict[str, list[str]]:
    """Return the states of the tasks of each step, oldest first."""
    return {step.id: [task.status for task in reversed(list(step))] for step in run}


def events_of(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """Return what ``--json`` printed."""
    return [json.loads(line) for line in done.stdout.splitlines()]


def of_kind(events: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [event for event in events if event["event"] == kind]


def begun(events: list[dict[str, Any]]) -> list[tuple[str, list[int], int]]:
    """Return step, index path and attempt of each start, in their order."""
    return [
        (event["key"][2], event["index_path"], event["attempt"]) for event in of_kind(events, "task_started")
    ]
