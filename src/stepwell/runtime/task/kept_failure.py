"""What is kept of an attempt that ended before the step could keep anything itself."""

from __future__ import annotations

from stepwell.datastore.datastore import Datastore
from stepwell.model.pack import Pack
from stepwell.model.task import TaskOutcome, TaskRequest


def keep_failure(datastore: Datastore, request: TaskRequest, outcome: TaskOutcome, pid: int) -> None:
    """Keep, for inspection, how the attempt ended."""
    datastore.seal_failure(
        Pack(
            key=request.key,
            attempt=request.attempt,
            outcome=outcome,
            parents=request.parents,
            split=request.split,
            fields={"pid": str(pid)},
        )
    )
