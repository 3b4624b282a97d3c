"""How one run is to be carried out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct

from stepwell.metadata_store.tags import check
from stepwell.model.capacity import Capacity
from stepwell.model.run import RunRecord, TaskRecord
from stepwell.model.states import RunState

Isolation = Literal["fork", "spawn", "inline"]
Fsync = Literal["always", "batch", "never"]


class Attended(Struct, frozen=True):
    """Tasks that a user wants to talk to: those of a step, or that of one of its foreach items."""

    step: str
    index_path: tuple[int, ...] | None = None

    def is_it(self, step: str, index_path: tuple[int, ...]) -> bool:
        """Whether a task is one of them."""
        return step == self.step and self.index_path in (None, index_path)


class RunOptions(Struct, frozen=True, kw_only=True):
    """Options of ``run`` that are no parameters.

    Raises
    ------
    StepwellTaggingError
        The tags break the rules of tags.

    Attributes
    ----------
    max_workers
        Most tasks at once; None is the number of usable cores.
    max_num_splits
        Most items a foreach may have; None is unlimited.
    max_log_size_mb
        Most that is kept of each stream of an attempt.
    isolation
        How tasks are set apart; None is fork where it is safe, else spawn.
    run_id_file, runner_attribute_file
        Written once the run's id is known, before any task starts.
    namespace
        The client's namespace inside tasks: None is the user's own, "" is global.
    until
        Stop after this step; the run can be continued.
    keep_going
        After a failure, go on with every task that does not depend on the failed one.
    drain_s
        How long tasks that run may go on after a failure that ends the run.
    kill_grace_s
        How long a task that was asked to end may take before it is killed.
    attended
        Which tasks get the terminal, for the debugger; None is none.
    terminal
        Path of the terminal that the debugger is opened on in a task that fails; empty: it is not opened.
    local_values
        Whether a task that fails says what the local variables were. Only a terminal is to show them.
    refresh_cache
        Cached steps take no result of the past; theirs are kept for later.
    """

    tags: tuple[str, ...] = ()
    max_workers: int | None = None
    max_num_splits: int | None = None
    max_log_size_mb: float = 10.0
    isolation: Isolation | None = None
    run_id_file: Path | None = None
    runner_attribute_file: Path | None = None
    namespace: str | None = None
    until: str | None = None
    keep_going: bool = False
    drain_s: float = 30.0
    kill_grace_s: float = 10.0
    local_values: bool = False
    refresh_cache: bool = False
    attended: Attended | None = None
    terminal: str = ""

    def __post_init__(self) -> None:
        check(self.tags)

    @property
    def max_log_size(self) -> int:
        """Most bytes that are kept of each stream of an attempt."""
        return int(self.max_log_size_mb * 1024 * 1024)


class NewRun(Struct, frozen=True):
    """Ask for a run with these values of its parameters, by attribute."""

    parameters: Mapping[str, object]


class ContinueRun(Struct, frozen=True):
    """Ask for a run to go on in place.

    Attributes
    ----------
    rerun_changed
        Execute again what has succeeded with other code, and all that depends on it.
    """

    run: str
    rerun_changed: bool = False


class ResumeRun(Struct, frozen=True, kw_only=True):
    """Ask for a run that takes over results of another.

    Attributes
    ----------
    origin
        The run whose results are taken over.
    step
        Executed again with all steps after it; None executes whatever did not succeed.
    parameters
        Values that differ from the origin's, by the parameter's name.
    run_id
        Id of the new run; None is the next number.
    clone_only
        Only take over results; the run can be continued.
    only
        Execute this step alone, on results that are all taken over; the run can be continued.
    rerun_changed
        Take no results over that were made with other code or parameters.
    """

    origin: str
    step: str | None = None
    parameters: Mapping[str, object] = {}
    run_id: str | None = None
    clone_only: bool = False
    only: str | None = None
    rerun_changed: bool = False


RunAsked = NewRun | ContinueRun | ResumeRun


class SpinOrigin(Struct, frozen=True, kw_only=True):
    """Where the inputs come from.

    Attributes
    ----------
    task
        An earlier task of the step.
    parent
        In want of one, a task that leads to the step.
    """

    run: RunRecord
    task: TaskRecord | None = None
    parent: TaskRecord | None = None


class SpinAsked(Struct, frozen=True, kw_only=True):
    """Ask for a step to be run at once.

    Attributes
    ----------
    origin
        None if nothing has run that leads to the step.
    index
        The foreach item to work on, where the origin does not say it.
    artifacts
        Values that stand for those of the inputs; for a join, such values by the pathspec of the input.
    """

    step: str
    origin: SpinOrigin | None = None
    index: int | None = None
    artifacts: Mapping[str, object] = {}


class RunSettings(Struct, frozen=True, kw_only=True):
    """What this installation, and not the command, says of every run.

    Attributes
    ----------
    fsync
        When results are synced to disk.
    seed
        Makes random seeds a function of run, step and index; None takes fresh ones.
    package_suffixes
        Endings of the files that are kept as the run's code; none keeps no code.
    store_patience_s
        How long a store that cannot serve is waited for.
    trace_id
        The trace that the run is a part of, if there is one.
    capacity
        What its tasks may claim together; None if their number is all that counts.
    workers_fd
        Socket by which workers are shared with other runs; None if they are the run's own.
    """

    user: str
    fsync: Fsync = "batch"
    seed: str | None = None
    package_suffixes: tuple[str, ...] = ()
    store_patience_s: float = 60.0
    trace_id: str = ""
    capacity: Capacity | None = None
    workers_fd: int | None = None


class RunResult(Struct, frozen=True, kw_only=True):
    """How a run ended. ``as_asked`` tells an interruption that was wanted from the beginning."""

    flow: str
    run: str
    state: RunState
    reason: str = ""
    as_asked: bool = False
    counts: Mapping[str, int] = {}
