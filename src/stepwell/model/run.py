"""A run: what every task of it knows, and what the index keeps of it."""

from __future__ import annotations

from msgspec import Struct

from stepwell.model.ids import PARAMETERS_TASK
from stepwell.model.states import RunState, TaskState

DRIVEN_BY = "driven-by"
"""Recorded field of a run: who starts its tasks, if it is not a run process of ours."""

TRACE_ID = "otel-trace-id"
"""Recorded field of runs and tasks: the trace that they are a part of, if spans are sent."""

RUN_SPAN, AROUND_RUN = "otel-traceparent", "otel-parent"
"""Recorded fields of a run whose tasks a scheduler starts: its span, and the one around it."""

PARAMETERS_ID = "parameters-task"
"""Recorded field of a run: id of its ``_parameters`` task, if a scheduler chose another than usual."""


STOP_ASKED = "stop-asked"
"""Recorded field of a run that another machine wants to end: the process that is to do it."""

CAUGHT, RETRY_AT, SPLIT, WORLD_SIZE = "caught", "retry-at", "split", "parallel-world-size"
"""Recorded fields of a task: what ``@catch`` caught, in a line; when a failed one is tried again; what opened
the split of a join, as STEP/TASK, as long as no pack says so; how many tasks its gang has."""


class RunInfo(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What each task process knows of its run; handed over once per launcher, or with each spawned task.

    Attributes
    ----------
    flow, run
        The flow's name and the run's id.
    script
        Path of the flow's file.
    user, tags
        Who runs it, and the tags it was started with.
    namespace
        The client's namespace inside tasks; None is global.
    max_num_splits
        Most items a foreach may have; None is unlimited.
    seed
        Makes random seeds a function of run, step and index; None takes fresh ones.
    code_version
        Stands for the flow's file and what it imports of its own.
    parameters_task
        Id of the ``_parameters`` task.
    local_values
        Whether a task that fails says what its local variables were: on the user's terminal, nowhere else.
    terminal
        Path of the terminal that the debugger is opened on in a task that fails; empty: it is not opened.
    """

    flow: str
    run: str
    script: str
    user: str
    tags: tuple[str, ...] = ()
    namespace: str | None = None
    max_num_splits: int | None = None
    seed: str | None = None
    origin_run: str | None = None
    code_version: str = ""
    parameters_task: str = PARAMETERS_TASK
    local_values: bool = False
    terminal: str = ""


class RunRecord(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One run as the index has it. Times are Unix seconds.

    Attributes
    ----------
    pid, pid_started
        The run process and its start time as the system counts it, so that a reused pid is not taken for it.
    fields
        Code version, git commit, command line and the like, as text.
    number
        Its place among the runs of the datastore, if its id is no number.
    """

    flow: str
    run: str
    state: RunState
    user: str
    created_at: float
    finished_at: float | None = None
    heartbeat_at: float | None = None
    host: str = ""
    pid: int = 0
    pid_started: float = 0.0
    reason: str = ""
    tags: tuple[str, ...] = ()
    system_tags: tuple[str, ...] = ()
    fields: dict[str, str] = {}
    number: int = 0

    @property
    def by_scheduler(self) -> bool:
        """Whether a scheduler starts its tasks, each by a command: no process stands for the run."""
        return self.fields.get(DRIVEN_BY) == "scheduler"

    @property
    def parameters_task(self) -> str:
        """Id of its ``_parameters`` task."""
        return self.fields.get(PARAMETERS_ID, PARAMETERS_TASK)


class TaskRecord(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One task as the index has it: its latest attempt.

    Attributes
    ----------
    number
        Order of creation within the run; in a run that a scheduler drives, made of the time it began.
    index_path
        Indexes of enclosing foreach items joined with commas, outermost first (``"3"``, ``"3,0"``).
    label
        The foreach item as short text.
    parents
        ``STEP/TASK`` of each parent, joined with commas; ranges of consecutive ids as ``STEP/7-99``.
    """

    flow: str
    run: str
    step: str
    task: str
    number: int
    state: TaskState
    attempt: int = 0
    created_at: float = 0.0
    started_at: float | None = None
    finished_at: float | None = None
    index_path: str = ""
    label: str = ""
    pid: int = 0
    host: str = ""
    exit_code: int | None = None
    error: str = ""
    parents: str = ""
    fields: dict[str, str] = {}
