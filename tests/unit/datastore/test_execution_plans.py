"""What each execution of a run set out to do. SPEC 7.5-5."""

from __future__ import annotations

from stepwell.datastore import layout
from stepwell.datastore.datastore import Datastore
from stepwell.model.step_plan import ExecutionPlan, StepPlan
from stepwell.storages.memory import MemoryStorage


def planned(at: float) -> ExecutionPlan:
    step = StepPlan(step="start", reused=0, executed=1, why="named", made_by=("1/a",))
    return ExecutionPlan(at=at, origin="1", code_version="a", steps=(step,))


def test_plans_are_read_in_the_order_of_the_executions():
    storage = MemoryStorage()
    for at in (1.0, 2.0):
        Datastore.open(storage).plans.add("F", "2", planned(at))

    assert list(Datastore.open(storage).plans.of_run("F", "2")) == [planned(1.0), planned(2.0)]
    assert Datastore.open(storage).plans.of_run("F", "1") == []


def test_a_damaged_plan_hides_no_other():
    storage = MemoryStorage()
    plans = Datastore.open(storage).plans
    for at in (1.0, 2.0, 3.0):
        plans.add("F", "2", planned(at))
    storage.replace(layout.plan_key("F", "2", 1), b"no plan")

    assert [plan.at for plan in plans.of_run("F", "2")] == [1.0, 3.0]
