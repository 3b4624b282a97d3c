"""Several engines as one: each task goes to the engine that its step names."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence

from stepwell.engine.capabilities import Capabilities
from stepwell.engine.engine import Engine, Meanwhile
from stepwell.engine.handle import TaskExited, TaskHandle, TaskReport
from stepwell.model.policy import StepPolicy
from stepwell.model.run import RunInfo
from stepwell.model.task import TaskRequest

_LOOK_S = 0.05
"""How often an engine is asked while another one is waited for."""


class ByStepCapabilities(Capabilities, frozen=True, kw_only=True):
    """What the engines of a run can do: ``others`` by name, and this one for all other steps."""

    others: Mapping[str, Capabilities]

    def of(self, policy: StepPolicy) -> Capabilities:
        return self.others.get(policy.engine, self)


class EnginesByStep(Engine):
    """Gives each task to the engine whose name its step's policy has, and to ``own`` if it has none."""

    def __init__(self, own: Engine, others: Mapping[str, Engine]) -> None:
        self._own = own
        self._others = dict(others)
        self._busy: dict[TaskHandle, Engine] = {}
        self._woken = False
        self._turn = 0

    @property
    def capabilities(self) -> Capabilities:
        others = {name: engine.capabilities for name, engine in self._others.items()}
        return by_step(self._own.capabilities, others)

    @property
    def queue_depth(self) -> int:
        return sum(engine.queue_depth for engine in self._all())

    def start(self, info: RunInfo) -> None:
        for engine in self._all():
            engine.start(info)

    def submit(self, requests: Sequence[tuple[TaskRequest, StepPolicy]]) -> Sequence[TaskHandle]:
        found: dict[int, TaskHandle] = {}
        for engine in self._all():
            own = [place for place, (_, policy) in enumerate(requests) if self._of(policy) is engine]
            handles = engine.submit([requests[place] for place in own]) if own else ()
            found.update(zip(own, handles, strict=True))
            self._busy.update(dict.fromkeys(handles, engine))
        return [found[place] for place in range(len(requests))]

    def reports(self, timeout_s: float, meanwhile: Meanwhile | None = None) -> Sequence[TaskReport]:
        deadline = time.monotonic() + timeout_s
        while True:
            busy = self._in_turn()
            slice_s = timeout_s if len(busy) == 1 else _LOOK_S / len(busy)
            for engine in busy:
                left = max(0.0, deadline - time.monotonic())
                found = engine.reports(0.0 if self._woken else min(left, slice_s), meanwhile)
                if found:  # the next one may start nothing before the caller knows of this
                    return self._taken(found)
            woken, self._woken = self._woken, False
            if woken or len(busy) == 1 or time.monotonic() >= deadline:
                return ()

    def _in_turn(self) -> list[Engine]:
        """Return the engines that have tasks, another one first each time."""
        busy = self._engines_of(self._busy) or [self._own]
        self._turn += 1
        place = self._turn % len(busy)
        return [*busy[place:], *busy[:place]]

    def _taken(self, reports: Sequence[TaskReport]) -> Sequence[TaskReport]:
        for report in reports:
            if isinstance(report, TaskExited):
                self._busy.pop(report.handle, None)
        return reports

    def cancel(self, handles: Sequence[TaskHandle], force: bool = False) -> None:
        for engine in self._engines_of(handles):
            engine.cancel([one for one in handles if self._busy.get(one) is engine], force)

    def withdraw(self, handles: Sequence[TaskHandle]) -> None:
        for engine in self._engines_of(handles):
            engine.withdraw([one for one in handles if self._busy.get(one) is engine])

    def wake(self) -> None:
        self._woken = True
        for engine in self._all():
            engine.wake()

    def close(self) -> None:
        for engine in self._all():
            engine.close()

    def _all(self) -> list[Engine]:
        return [self._own, *self._others.values()]

    def _of(self, policy: StepPolicy) -> Engine:
        return self._others.get(policy.engine, self._own)

    def _engines_of(self, handles: Iterable[TaskHandle]) -> list[Engine]:
        busy = {id(engine) for handle in handles if (engine := self._busy.get(handle)) is not None}
        return [engine for engine in self._all() if id(engine) in busy]


def by_step(own: Capabilities, others: Mapping[str, Capabilities]) -> ByStepCapabilities:
    """Return what a run can do that has these engines."""
    return ByStepCapabilities(
        name=own.name,
        variables=own.variables,
        processes=own.processes,
        gangs=own.gangs,
        memory_limits=own.memory_limits,
        retry_delay_s=own.retry_delay_s,
        others=dict(others),
    )
