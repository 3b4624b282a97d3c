"""What the local engine knows of one task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepwell.engine.handle import Stream, TaskExited, TaskHandle
from stepwell.engines.local.messages import Ended
from stepwell.model.policy import StepPolicy
from stepwell.model.task import TaskOutcome, TaskRequest

if TYPE_CHECKING:
    from stepwell.engines.local.link import Link

Variables = tuple[tuple[str, str], ...]


class LocalTask:
    """A task from when it is taken until it has ended, as the engine's half in the run process knows it."""

    __slots__ = (
        "allowed_kib",
        "at_once",
        "attended",
        "handle",
        "limit_s",
        "link",
        "number",
        "outcome",
        "pid",
        "pipes",
        "request",
        "variables",
    )

    def __init__(self, number: int, handle: TaskHandle, request: TaskRequest, policy: StepPolicy) -> None:
        self.number = number
        self.handle = handle
        self.request: TaskRequest | None = request
        self.attended = request.attended
        self.at_once = request.attended or request.gang is not None
        self.variables = policy.variables
        # The step ends itself at its time limit if it can; this is for one that cannot.
        self.limit_s = policy.timeout_s + policy.timeout_grace_s if policy.timeout_s else 0.0
        asked = policy.resources
        self.allowed_kib = int((asked.memory_mb or 0) * 1024) if asked.enforce else 0
        self.link: Link | None = None
        self.pid = 0
        self.pipes: dict[int, Stream] = {}
        self.outcome: TaskOutcome | None = None

    def variables_of_process(self) -> Variables:
        """Return what an interpreter of its own starts with: importing the flow may use a device."""
        variables = self.variables
        if self.request is not None and self.request.devices:
            from stepwell.engine.gpus import device_variables  # few tasks have any

            variables += tuple(device_variables(self.request.devices).items())
        if self.request is not None and self.request.gang is not None:
            from stepwell.engine.gang_variables import gang_variables

            variables += tuple(gang_variables(self.request.gang).items())
        return variables

    def exited(self, ended: Ended) -> TaskExited:
        """Return what is reported of its end."""
        status = ended.status
        return TaskExited(
            self.handle,
            ended.at,
            exit_code=status if status is not None and status >= 0 else None,
            signal=-status if status is not None and status < 0 else 0,
            outcome=self.outcome,
            out_of_memory=ended.out_of_memory,
            timed_out=ended.timed_out,
            max_rss_kib=ended.max_rss_kib,
            cpu_s=ended.cpu_s,
            allowed_kib=ended.allowed_kib,
            error=ended.error,
        )
