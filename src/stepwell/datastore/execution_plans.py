"""What each `continue` or `resume` of a run set out to do, so that it can be explained later."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from stepwell.datastore import layout
from stepwell.datastore.storage import Storage
from stepwell.model import wire
from stepwell.model.step_plan import ExecutionPlan


class ExecutionPlans:
    """The plans of all runs of one storage."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def add(self, flow: str, run: str, plan: ExecutionPlan) -> None:
        """Keep one more plan of a run; only the process that carries the run out may call it."""
        number = 0
        data = [wire.encode(plan)]
        while not self._storage.write(layout.plan_key(flow, run, number), data):
            number += 1

    def of_run(self, flow: str, run: str) -> Sequence[ExecutionPlan]:
        """Return the plans of a run, the first one first; one that is damaged is left out."""
        plans: list[ExecutionPlan] = []
        number = 0
        while (data := self._storage.read(layout.plan_key(flow, run, number))) is not None:
            with suppress(wire.WireError):  # whoever asks is told that nothing is known of it
                plans.append(wire.decode(data, ExecutionPlan))
            number += 1
        return plans
