"""Records for tests of metadata."""

from __future__ import annotations

from stepwell.model.run import RunRecord, TaskRecord
from stepwell.model.states import RunState, TaskState

FLOW = "Contract"


def a_run(run: str = "1", flow: str = FLOW, state: RunState = RunState.RUNNING) -> RunRecord:
    """Return a run that began at second 100."""
    return RunRecord(flow=flow, run=run, state=state, user="ann", created_at=100.0, heartbeat_at=100.0)


def a_task(
    number: int,
    step: str = "start",
    state: TaskState = TaskState.RUNNING,
    run: str = "1",
    index_path: str = "",
) -> TaskRecord:
    """Return a task of `a_run`, made at second 100 + ``number``."""
    return TaskRecord(
        flow=FLOW,
        run=run,
        step=step,
        task=str(number),
        number=number,
        state=state,
        created_at=100.0 + number,
        index_path=index_path,
    )
