"""What a live run tells whoever watches it: the terminal, ``run --json``, a test.

Each event is one JSON object in ``run --json``; the field ``event`` names its kind. Times are Unix seconds.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from stepwell.engine.handle import Stream
from stepwell.model.ids import TaskKey
from stepwell.model.states import RunState, TaskState
from stepwell.model.task import ErrorInfo


class _Event(Struct, frozen=True, kw_only=True, tag_field="event"):
    at: float


class RunBegan(_Event, tag="run_started", frozen=True, kw_only=True):
    """The run is registered. ``steps`` are in graph order; ``location`` is the datastore."""

    flow: str
    run: str
    steps: tuple[str, ...]
    location: str


class TaskBegan(_Event, tag="task_started", frozen=True, kw_only=True):
    """A task's process runs. ``label`` is the foreach item, if known."""

    key: TaskKey
    attempt: int
    pid: int
    label: str = ""
    index_path: tuple[int, ...] = ()


class TerminalLent(_Event, tag="terminal_lent", frozen=True, kw_only=True):
    """A task is going to have the terminal until it ends: nothing else may be written there."""

    key: TaskKey
    attempt: int


class TaskLine(_Event, tag="task_output", frozen=True, kw_only=True):
    """A line that the task printed, without its newline. Undecodable bytes are replaced."""

    key: TaskKey
    attempt: int
    pid: int
    stream: Stream
    text: str


class LineSoFar(_Event, tag="task_line_so_far", frozen=True, kw_only=True):
    """What a task has printed of a line that goes on, such as a progress bar; told a few times a second."""

    key: TaskKey
    attempt: int
    stream: Stream
    text: str


class SplitOpened(_Event, tag="foreach_opened", frozen=True, kw_only=True):
    """A foreach has fixed its items, or a gang its size: ``num_splits`` tasks of ``target`` will run."""

    key: TaskKey
    pid: int
    target: str
    num_splits: int
    is_gang: bool = False


class TaskEnded(_Event, tag="task_ended", frozen=True, kw_only=True):
    """An attempt of a task has ended. ``error`` is set unless it succeeded.

    Attributes
    ----------
    retry_at, why
        When the next attempt begins, if there is one; and which it is, or why it is made.
    caught
        What ``@catch`` caught, in one line.
    told
        Whether the task has printed its error itself.
    local_values
        The local variables where the error was raised, a line each, if the run asks for them.
    """

    key: TaskKey
    attempt: int
    pid: int
    state: TaskState
    seconds: float
    error: ErrorInfo | None = None
    label: str = ""
    index_path: tuple[int, ...] = ()
    retry_at: float | None = None
    why: str = ""
    caught: str = ""
    told: bool = False
    local_values: tuple[str, ...] = ()


class TaskCached(_Event, tag="task_cached", frozen=True, kw_only=True):
    """A task has the result of an equal one of the past: no process was started. ``origin`` is that task."""

    key: TaskKey
    origin: TaskKey
    label: str = ""
    index_path: tuple[int, ...] = ()


class StepSkipped(_Event, tag="step_skipped", frozen=True, kw_only=True):
    """An empty foreach: ``step`` gets no task from it."""

    step: str


class StepReused(_Event, tag="step_reused", frozen=True, kw_only=True):
    """Tasks of a step are taken over from an earlier execution. ``origin`` is the run that made them."""

    step: str
    tasks: int
    origin: str


class StepPlanned(_Event, tag="step_planned", frozen=True, kw_only=True):
    """A step has tasks to be executed, in a run that goes on from an earlier execution.

    Attributes
    ----------
    executed
        How many tasks of the earlier execution are made again.
    known
        How many tasks the step has by now, reused ones included; there may be more later.
    why
        Why they are not, or not all, reused.
    """

    step: str
    executed: int
    known: int
    why: str


class Notice(_Event, tag="notice", frozen=True, kw_only=True):
    """Something the user should know that is no failure."""

    text: str


class RunFinished(_Event, tag="run_ended", frozen=True, kw_only=True):
    """The run is over. ``counts`` has the number of tasks by state."""

    flow: str
    run: str
    state: RunState
    seconds: float
    counts: dict[str, int]
    reason: str = ""


RunEvent = (
    RunBegan
    | TaskBegan
    | TerminalLent
    | TaskLine
    | LineSoFar
    | SplitOpened
    | TaskEnded
    | TaskCached
    | StepSkipped
    | StepReused
    | StepPlanned
    | Notice
    | RunFinished
)

Listener = Callable[[RunEvent], None]
