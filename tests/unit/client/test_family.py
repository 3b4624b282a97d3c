"""Parents and children of tasks."""

import pytest
from stored_results import Results, foreach_run

from stepwell.client import Task
from stepwell.model.states import RunState, TaskState


@pytest.fixture
def place():
    return Results()


def pathspecs(tasks):
    return [task.pathspec.removeprefix("F/1/") for task in tasks]


# SPEC 10.3-2
def test_parents_and_children_of_a_foreach_are_exact(place):
    foreach_run(place, 3)
    start, middle, join = (Task(f"F/1/{name}", at=place.scope) for name in ("start/1", "work/3", "join/5"))

    assert list(start.parent_tasks) == []
    assert pathspecs(start.child_tasks) == ["work/4", "work/3", "work/2"]
    assert pathspecs(middle.parent_tasks) == ["start/1"]
    assert pathspecs(middle.child_tasks) == ["join/5"]
    assert pathspecs(join.parent_tasks) == ["work/2", "work/3", "work/4"]
    assert list(join.child_task_pathspecs) == ["F/1/end/6"]
    assert list(middle.parent_task_pathspecs) == ["F/1/start/1"]


# SPEC 10.3-2
def test_parents_and_children_of_nested_splits_are_exact(place):
    run = place.run()
    run.task("start", 1, to=("fork",), kind="foreach", items=[0, 1])
    for index, fork in enumerate((2, 3)):
        left, right, inner = 4 + 2 * index, 5 + 2 * index, 8 + index
        run.task("fork", fork, parents=(("start", 1),), to=("left", "right"), kind="split", path=(index,))
        run.task("left", left, parents=(("fork", fork),), to=("inner",), path=(index,))
        run.task("right", right, parents=(("fork", fork),), to=("inner",), path=(index,))
        parents = (("left", left), ("right", right))
        run.task("inner", inner, parents=parents, to=("outer",), path=(index,), split=("fork", fork))
    run.task("outer", 10, parents=(("inner", 8), ("inner", 9)), split=("start", 1))

    def children(name):
        return sorted(pathspecs(Task(f"F/1/{name}", at=place.scope).child_tasks))

    assert children("start/1") == ["fork/2", "fork/3"]
    assert children("fork/2") == ["left/4", "right/5"]
    assert children("fork/3") == ["left/6", "right/7"]
    assert children("left/4") == children("right/5") == ["inner/8"]
    assert children("left/6") == ["inner/9"]
    assert children("inner/8") == children("inner/9") == ["outer/10"]
    assert children("outer/10") == []
    assert pathspecs(Task("F/1/inner/9", at=place.scope).parent_tasks) == ["left/6", "right/7"]


# SPEC 10.3-2
def test_a_loop_leads_to_the_next_round_and_to_no_other(place):
    run = place.run()
    run.task("again", 1, to=("again", "end"), kind="switch")
    run.task("again", 2, parents=(("again", 1),), to=("again",), kind="switch")
    run.task("again", 3, parents=(("again", 2),), to=("end",), kind="switch")
    run.task("end", 4, parents=(("again", 3),))

    found = [pathspecs(Task(f"F/1/again/{number}", at=place.scope).child_tasks) for number in (1, 2, 3)]

    assert found == [["again/2"], ["again/3"], ["end/4"]]


# SPEC 10.3-2
def test_a_foreach_without_items_and_its_join_are_parent_and_child(place):
    run = place.run()
    run.task("start", 1, to=("work",), kind="foreach", items=[])
    run.task("join", 2, parents=(), to=("end",), split=("start", 1))
    run.task("end", 3, parents=(("join", 2),))

    assert pathspecs(Task("F/1/join/2", at=place.scope).parent_tasks) == ["start/1"]
    assert pathspecs(Task("F/1/start/1", at=place.scope).child_tasks) == ["join/2"]


# SPEC 10.3-2
def test_a_child_that_still_runs_is_a_child(place):
    run = place.run(state=RunState.RUNNING)
    run.task("start", 1, to=("work",))
    run.record("work", 2, TaskState.RUNNING, parents=(("start", 1),))

    assert pathspecs(Task("F/1/start/1", at=place.scope).child_tasks) == ["work/2"]
    assert pathspecs(Task("F/1/work/2", at=place.scope).parent_tasks) == ["start/1"]
