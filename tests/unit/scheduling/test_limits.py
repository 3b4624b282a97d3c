from __future__ import annotations

from stepwell.model.policy import StepPolicy
from stepwell.scheduling.limits import ReadyQueue
from stepwell.scheduling.orders import Launch


def take_all(queue: ReadyQueue) -> list:
    queue.limit = 1
    launches = []
    while (taken := queue.take(0)) is not None:
        launches.append(taken[0])
    return launches


def test_tasks_of_one_step_keep_their_own_parents_when_these_are_of_different_steps():
    queue = ReadyQueue()

    queue.put_successor("c", None, 0, ("a", 11))
    queue.put_successor("c", None, 0, ("b", 12))

    assert [(launch.task, launch.parents) for launch in take_all(queue)] == [
        (1, (("a", 11),)),
        (2, (("b", 12),)),
    ]


def test_a_task_is_given_only_below_the_limit():
    queue = ReadyQueue()
    queue.put_successor("a", None, 0, ("start", 1))

    before_room = queue.take(0)
    queue.limit = 2

    assert (before_room, queue.take(2)) == (None, None)
    assert queue.take(1) is not None


# SPEC 6.2-7, 7.1-7
def test_higher_priority_goes_first_then_what_was_launched_before_then_older():
    policies = {"low": StepPolicy(priority=-1), "plain": StepPolicy(), "high": StepPolicy(priority=5)}
    queue = ReadyQueue(1, policies)

    for step in ("low", "plain", "high", "plain", "high"):
        queue.put_successor(step, None, 0, ("start", 9))
    queue.put_again(Launch("plain", 77, ()), None, 0)

    assert [(launch.step, launch.task) for launch in take_all(queue)] == [
        ("high", 3),
        ("high", 5),
        ("plain", 77),
        ("plain", 2),
        ("plain", 4),
        ("low", 1),
    ]
