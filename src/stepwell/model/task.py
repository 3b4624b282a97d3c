"""A task: what to run, and what came of it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from stepwell.model.cache import CacheKey
from stepwell.model.ids import TaskKey, member_id

TransitionKind = Literal["linear", "split", "foreach", "gang", "switch", "end"]


class TaskRef(Struct, frozen=True, array_like=True):
    """A task of the same run."""

    step: str
    task: str


class ErrorInfo(Struct, frozen=True, omit_defaults=True):
    """A failure as text.

    Attributes
    ----------
    type
        Dotted class name, or a pseudo-type such as ``Signal``, ``OutOfMemory``, ``Exit`` for a dead process.
    message
        What it says.
    frames
        Formatted traceback with the user's frames only.
    full_frames
        Formatted traceback with all frames.
    hint
        What to do, if we know.
    retriable
        Whether it is of a kind that the step's ``@retry`` is for.
    """

    type: str
    message: str
    frames: str = ""
    full_frames: str = ""
    hint: str = ""
    retriable: bool = True


class LostBranch(Struct, frozen=True, array_like=True):
    """A branch of a tolerant foreach that the join does without: the index, and the task that failed."""

    index: int
    task: TaskRef


class GangPlace(Struct, frozen=True, array_like=True):
    """Where a task stands in its gang.

    Attributes
    ----------
    control
        Id of the task with index 0, after which the others are named.
    main_ip
        Where the others find that task.
    """

    control: str
    size: int
    index: int
    main_ip: str = "127.0.0.1"

    @property
    def task(self) -> str:
        """The id of the task in this place."""
        return member_id(self.control, self.index)


class TaskRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one task process needs to know beyond `RunInfo`.

    Attributes
    ----------
    key, attempt
        Which task, and which try of it, from 0.
    parents
        The tasks whose artifacts this one inherits or, in a join, gets as inputs in their order.
    index
        The item's index, for the first task of a foreach branch only.
    split
        For a join: the task that opened the split which it closes.
    lost
        For the join of a tolerant foreach: the branches that have failed.
    retries_left
        How many further attempts there may be if this one fails.
    failure
        What the attempt before died of, if this one is to catch it without running the step.
    launched_at
        When it was handed to the engine, if the run is traced.
    cache
        What its result is kept by for later tasks; None if it is not kept.
    attended
        The user is there: the task gets the terminal, or whatever the streams of the command are.
    gang
        Its place, if it is one of a gang: it starts at once, and its success counts with that of the others.
    """

    key: TaskKey
    attempt: int = 0
    parents: tuple[TaskRef, ...] = ()
    index: int | None = None
    split: TaskRef | None = None
    lost: tuple[LostBranch, ...] = ()
    retries_left: int = 0
    failure: ErrorInfo | None = None
    devices: tuple[str, ...] = ()
    launched_at: float = 0.0
    cache: CacheKey | None = None
    attended: bool = False
    gang: GangPlace | None = None


class TransitionTaken(Struct, frozen=True, omit_defaults=True):
    """What ``self.next`` recorded. ``end`` stands for the exit step, which calls none.

    Attributes
    ----------
    num_splits
        Number of foreach items, 0 is an empty foreach; or of the tasks of a gang.
    labels
        Labels of the first items, at most `LABELS_KEPT`.
    min_success
        How many branches of a foreach must succeed for its join to run; None is all.
    case
        For a switch, the case chosen, as text.
    """

    kind: TransitionKind
    targets: tuple[str, ...] = ()
    num_splits: int = 0
    labels: tuple[str, ...] = ()
    min_success: int | None = None
    case: str = ""
    line: int = 0

    @property
    def fans_out(self) -> bool:
        """Whether it leads to any number of tasks of one step, each with an index."""
        return self.kind in ("foreach", "gang")


LABELS_KEPT = 50


class TaskOutcome(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a task attempt says of itself. The truth lies in its pack; this travels ahead of it.

    Attributes
    ----------
    started_at, ended_at
        Unix time in seconds.
    label
        The foreach item as short text.
    index_path
        Indexes of the enclosing foreach items, outermost first.
    caught
        What ``@catch`` caught, in one line; empty if nothing.
    told
        Whether the task has printed its error itself.
    local_values
        The local variables where the error was raised, a line each, if `RunInfo` asks for them. They may be
        anybody's secrets: they are shown, and kept nowhere.
    """

    ok: bool
    started_at: float
    ended_at: float
    transition: TransitionTaken | None = None
    error: ErrorInfo | None = None
    label: str = ""
    index_path: tuple[int, ...] = ()
    caught: str = ""
    told: bool = False
    local_values: tuple[str, ...] = ()
