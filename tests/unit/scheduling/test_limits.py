from __future__ import annotations

from stepwell.scheduling.limits import ReadyQueue


def take_all(queue: ReadyQueue) -> list:
    launches = []
    while queue:
        batch = queue.first()
        launches.append(batch.take()[0])
        queue.drop_if_empty(batch)
    return launches


def test_tasks_of_one_step_keep_their_own_parents_when_these_are_of_different_steps():
    queue = ReadyQueue()

    queue.put_successor("c", None, 0, ("a", 11))
    queue.put_successor("c", None, 0, ("b", 12))

    assert [(launch.task, launch.parents) for launch in take_all(queue)] == [
        (1, (("a", 11),)),
        (2, (("b", 12),)),
    ]


def test_there_is_room_only_below_the_limit_and_for_a_task_that_waits():
    queue = ReadyQueue()
    queue.limit = 2
    empty = queue.room(0)

    queue.put_successor("a", None, 0, ("start", 1))

    assert (empty, queue.room(0), queue.room(1), queue.room(2)) == (False, True, True, False)
