from __future__ import annotations

from stepwell.model.task import TaskRef
from stepwell.runtime.task_numbers import TaskNumbers


def refs(*tasks: str) -> list[TaskRef]:
    return [TaskRef(*task.split("/")) for task in tasks]


# SPEC 7.4-10
def test_an_id_that_is_a_number_is_the_number_of_its_task():
    numbers = TaskNumbers(refs("start/1", "work/2", "work/3"))

    assert [numbers.of(ref) for ref in refs("start/1", "work/2", "work/3", "_parameters/0")] == [1, 2, 3, 0]
    assert numbers.names == {} and numbers.last == 3


# SPEC 7.4-4
def test_other_ids_get_numbers_above_in_their_order():
    numbers = TaskNumbers(refs("start/t-b", "work/t-a", "work/007", "end/5"))

    assert [numbers.of(ref) for ref in refs("start/t-b", "work/t-a", "work/007", "end/5")] == [6, 7, 8, 5]
    assert numbers.names == {6: "t-b", 7: "t-a", 8: "007"}
    assert numbers.of(TaskRef("_parameters", "params")) == 0


# SPEC 7.4-4
def test_no_two_tasks_have_one_number_although_steps_may_have_one_id_in_common():
    numbers = TaskNumbers(refs("start/1", "work/1", "work/2"))

    found = [numbers.of(ref) for ref in refs("start/1", "work/1", "work/2", "unknown/1", "unknown/9")]
    assert found == [1, 3, 2, 4, 9]
    assert numbers.names == {3: "1", 4: "1"} and numbers.last == 9


# SPEC 2.6-2
def test_tasks_of_a_gang_have_numbers_that_follow_each_other_if_nobody_else_has_them():
    numbers = TaskNumbers(refs("train/7_node_2", "train/7", "train/7_node_1", "other/8", "join/10"))

    found = [numbers.of(ref) for ref in refs("train/7", "train/7_node_1", "train/7_node_2", "other/8")]
    assert found == [7, 8, 9, 11]
    assert numbers.names == {8: "7_node_1", 9: "7_node_2", 11: "8"} and numbers.last == 11
