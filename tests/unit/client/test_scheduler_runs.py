"""Runs and tasks whose ids come from a scheduler and are no numbers."""

import pytest
from msgspec.structs import replace
from stored_results import BEGAN, Results

from stepwell.cli.addresses import find
from stepwell.client import Flow, Run, Task
from stepwell.client.pathspec import resolve
from stepwell.exceptions import StepwellNotFound
from stepwell.model.pack import Pack
from stepwell.model.task import TaskOutcome, TaskRef, TransitionTaken
from stepwell.model.task_record import number_at, parents_in, parents_text, record_of


@pytest.fixture
def place():
    return Results()


def task(run, step, task, at, *, parents=(), path="", to=()):
    """A task of a scheduler's run that has succeeded."""
    taken = TransitionTaken("foreach" if step == "start" else "linear", to, 3)
    outcome = TaskOutcome(ok=True, started_at=at, ended_at=at, transition=taken)
    refs = tuple(TaskRef(*parent) for parent in parents)
    pack = Pack(key=run.key(step, task), attempt=0, outcome=outcome, parents=refs)
    run.place.stores.datastore.seal(pack)
    record = record_of(pack, by_scheduler=True)
    run.place.stores.metadata.save_tasks([replace(record, index_path=path)])


# SPEC 12.3-4
def test_no_run_is_lost_between_the_pages_of_a_long_list(place):
    for number in range(1, 41):
        place.run(run=f"argo-{number % 7}{number}", number=number)

    listed = [run.id for run in Flow("F", place.scope)]

    assert listed == [f"argo-{number % 7}{number}" for number in range(40, 0, -1)]
    assert Flow("F", place.scope).latest_run.id == listed[0]


# SPEC 12.3-4
def test_no_task_is_lost_between_the_pages_of_a_long_list(place):
    run = place.run(run="argo-1", number=1)
    for number in range(40):
        task(run, "work", f"t-{number * 7 % 40}", BEGAN + number / 1000, path=str(number))

    listed = [found.id for found in Run("F/argo-1", place.scope)["work"]]

    assert listed == [f"t-{number * 7 % 40}" for number in range(39, -1, -1)]


def test_tasks_that_begin_in_the_same_microsecond_have_numbers_of_their_own():
    numbers = {number_at("work", f"t-{number}", BEGAN) for number in range(20)}

    assert len(numbers) > 15
    assert number_at("work", "t-1", BEGAN + 1e-5) > max(numbers)
    assert max(numbers) < 2**63


# SPEC 10.3-2
def test_parents_and_children_are_found_whatever_the_ids_look_like(place):
    run = place.run(run="argo-1", number=1, **{"driven-by": "scheduler"})
    for name, number, at in (("a-1", 0, 1.0), ("3", 1, 2.0), ("4", 2, 3.0)):
        parents = (("start", "s"),)
        task(run, "work", name, BEGAN + at, parents=parents, path=str(number), to=("join",))
    task(run, "start", "s", BEGAN, to=("work",))
    # By a clock that is behind.
    task(run, "join", "1", BEGAN - 4, parents=(("work", "a-1"), ("work", "3"), ("work", "4")))

    def paths(tasks):
        return [found.pathspec.removeprefix("F/argo-1/") for found in tasks]

    start, join = (Task(f"F/argo-1/{name}", at=place.scope) for name in ("start/s", "join/1"))
    assert paths(start.child_tasks) == ["work/4", "work/3", "work/a-1"]
    assert paths(join.parent_tasks) == ["work/a-1", "work/3", "work/4"]
    for name in ("a-1", "3", "4"):
        assert paths(Task(f"F/argo-1/work/{name}", at=place.scope).child_tasks) == ["join/1"]


@pytest.mark.parametrize(
    "parents", [[("a", "x-1"), ("a", "3"), ("a", "4"), ("b", "5-x")], [("_parameters", "0")], []]
)
def test_what_is_recorded_of_parents_says_who_they_are(parents):
    found = [
        (step, id)
        for step, first, last in parents_in(parents_text(parents))
        for id in ([first] if first == last else map(str, range(int(first), int(last) + 1)))
    ]

    assert found == parents


# SPEC 9.1-4
@pytest.mark.parametrize("flow", [None, "F"])
@pytest.mark.parametrize("address", ["argo-1", "F/argo-1", "argo-1/start", "F/argo-1/start/s"])
def test_an_address_may_leave_out_the_flow_of_a_run_whose_id_is_no_number(place, flow, address):
    task(place.run(run="argo-1", number=1), "start", "s", BEGAN, to=("end",))

    assert resolve(address, flow, place.scope).pathspec.startswith("F/argo-1")
    assert find(place.stores, address, flow).run.run == "argo-1"


# SPEC 9.1-4
def test_what_is_neither_flow_nor_run_is_not_found(place):
    place.run(run="argo-1", number=1)

    with pytest.raises(StepwellNotFound, match="argo-2"):
        find(place.stores, "argo-2/start")
    with pytest.raises(StepwellNotFound, match="argo-2"):
        resolve("argo-2/start", None, place.scope)
