"""The engine port: runs tasks somewhere. Knows nothing of graphs, retries or storage."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from stepwell.engine.capabilities import Capabilities
from stepwell.engine.handle import TaskHandle, TaskReport
from stepwell.model.policy import StepPolicy
from stepwell.model.run import RunInfo
from stepwell.model.task import TaskRequest

Meanwhile = Callable[[Sequence[TaskReport]], None]
"""Takes reports of a task that runs in the calling thread, and does what is due, from another thread."""


class Engine(ABC):
    """Where tasks execute. One run process talks to an engine from one thread."""

    @property
    @abstractmethod
    def capabilities(self) -> Capabilities:
        """What this engine can do."""

    @property
    @abstractmethod
    def queue_depth(self) -> int:
        """How many tasks it takes at once, running and queued. It runs fewer at the same time if it must."""

    @abstractmethod
    def start(self, info: RunInfo) -> None:
        """Get ready for the tasks of one run. Called once, before the first `submit`."""

    @abstractmethod
    def submit(self, requests: Sequence[tuple[TaskRequest, StepPolicy]]) -> Sequence[TaskHandle]:
        """Return once the back end has taken them. The same request again gives the same handle.

        They start in the order given; after a failure none does before the next call of `reports`, so that
        those that are not wanted any more can be withdrawn (a back end that starts them by itself may not
        hear of it in time). Those of a gang are given together, and all of them start at once, whatever
        else runs. A task that cannot be started is reported as `TaskExited` with an
        ``error``, never raised here.
        """

    @abstractmethod
    def reports(self, timeout_s: float, meanwhile: Meanwhile | None = None) -> Sequence[TaskReport]:
        """What has happened since the last call; wait up to the timeout for the first.

        For each task: `TaskStarted` once, then output in order, then `TaskExited` once and nothing more.
        Silence means unknown, not failed.

        An engine that runs a task in this call, however long that takes, calls ``meanwhile`` a few times a
        second with what the task has written, never with `TaskStarted` or `TaskExited`, and not any more
        once it has returned. What ``meanwhile`` raises is raised here when the task has ended.
        """

    @abstractmethod
    def cancel(self, handles: Sequence[TaskHandle], force: bool = False) -> None:
        """Ask; do not wait. What is queued never starts, what runs is ended with its children.

        ``force`` kills at once. Cancelling what has ended is not an error. Each cancelled task is still
        reported as `TaskExited`.
        """

    @abstractmethod
    def withdraw(self, handles: Sequence[TaskHandle]) -> None:
        """Take back what has not started; what runs goes on. Do not wait.

        What is taken back is reported as `TaskExited` with an ``error``.
        """

    @abstractmethod
    def wake(self) -> None:
        """Make a waiting `reports` return soon. May be called from a signal handler."""

    @abstractmethod
    def close(self) -> None:
        """End everything that still runs and free what `start` took. Doing it twice is doing it once."""
