from __future__ import annotations

from stepwell.datastore import layout
from stepwell.datastore.datastore import Datastore
from stepwell.datastore.reused_tasks import ReusedTasks
from stepwell.model.ids import TaskKey
from stepwell.model.pack import Pack
from stepwell.model.task import TaskOutcome, TransitionTaken
from stepwell.storages.memory import MemoryStorage

OK = TaskOutcome(ok=True, started_at=1.0, ended_at=2.0, transition=TransitionTaken("end"))


def key(run: str, task: int, step: str = "work") -> TaskKey:
    return TaskKey("F", run, step, str(task))


# SPEC 7.4-1
def test_ids_that_follow_each_other_are_kept_as_one_range():
    storage = MemoryStorage()
    tasks = [("work", str(number), "1") for number in range(1, 10_001)] + [("join", "10001", "2")]

    ReusedTasks(storage).write("F", "3", reversed(tasks))

    data = storage.read(layout.reused_key("F", "3"))
    assert data is not None and len(data) < 60
    assert len(list(ReusedTasks(storage).of_run("F", "3"))) == 10_001


# SPEC 7.4-2
def test_a_task_leads_to_the_run_that_it_is_taken_from():
    storage = MemoryStorage()
    ReusedTasks(storage).write(
        "F", "3", [("work", "2", "1"), ("work", "3", "1"), ("work", "5", "2"), ("end", "2", "2")]
    )

    reused = ReusedTasks(storage)

    assert reused.origin_of(key("3", 3)) == key("1", 3)
    assert reused.origin_of(key("3", 5)) == key("2", 5)
    assert reused.origin_of(key("3", 2, "end")) == key("2", 2, "end")
    assert reused.origin_of(key("3", 4)) is reused.origin_of(key("3", 1, "none")) is None
    assert reused.origin_of(key("1", 3)) is None
    assert reused.origin_of(TaskKey("F", "3", "work", "by-hand")) is None
    assert set(reused.of_run("F", "3")) == {
        (key("3", 2), key("1", 2)),
        (key("3", 3), key("1", 3)),
        (key("3", 5), key("2", 5)),
        (key("3", 2, "end"), key("2", 2, "end")),
    }


# SPEC 7.4-1
def test_a_run_that_takes_nothing_has_no_table_and_one_that_has_it_keeps_it():
    storage = MemoryStorage()
    reused = ReusedTasks(storage)
    reused.write("F", "3", [])
    assert reused.origin_of(key("3", 1)) is None

    reused.write("F", "3", [("work", "1", "1")])
    reused.write("F", "3", [("work", "1", "2")])

    assert reused.origin_of(key("3", 1)) == key("1", 1)


# SPEC 7.4-2
def test_packs_failures_and_logs_are_read_where_they_lie():
    datastore = Datastore.open(MemoryStorage())
    failed = TaskOutcome(ok=False, started_at=0.0, ended_at=1.0)
    datastore.seal_failure(Pack(key=key("1", 2), attempt=0, outcome=failed))
    datastore.seal(Pack(key=key("1", 2), attempt=1, outcome=OK))
    writer = datastore.logs.writer(key("1", 2), 1)
    writer.feed("stdout", 1.0, b"said\n")
    writer.save()
    datastore.reused.write("F", "3", [("work", "2", "1")])

    found = datastore.pack(key("3", 2))

    assert found is not None and found.key == key("1", 2)
    assert datastore.pack(key("3", 2), 0) == Pack(key=key("1", 2), attempt=0, outcome=failed)
    assert [pack.attempt for pack in datastore.failures(key("3", 2))] == [0]
    assert datastore.logs.read(key("3", 2), 1, "stdout") == b"said\n"


# SPEC 7.4-2
def test_a_task_that_was_made_again_has_results_of_its_own():
    datastore = Datastore.open(MemoryStorage())
    datastore.reused.write("F", "3", [("work", "2", "1")])
    datastore.seal(Pack(key=key("3", 2), attempt=4, outcome=OK))
    writer = datastore.logs.writer(key("3", 2), 4)
    writer.feed("stdout", 1.0, b"anew\n")
    writer.save()

    found = datastore.pack(key("3", 2))

    assert found is not None and found.key == key("3", 2)
    assert datastore.logs.read(key("3", 2), 4, "stdout") == b"anew\n"


# SPEC 7.4-4
def test_ids_that_are_no_numbers_are_kept_one_by_one():
    storage = MemoryStorage()
    ReusedTasks(storage).write("F", "3", [("work", "t-1", "1"), ("work", "007", "1"), ("work", "7", "2")])

    reused = ReusedTasks(storage)

    origins = {task: reused.origin_of(TaskKey("F", "3", "work", task)) for task in ("t-1", "007", "7", "t-2")}
    assert {task: origin and origin.run for task, origin in origins.items()} == {
        "t-1": "1", "007": "1", "7": "2", "t-2": None,
    }  # fmt: skip
    assert {key.task for key, _ in reused.of_run("F", "3")} == {"t-1", "007", "7"}


# SPEC 7.6-2
def test_a_run_that_stands_on_another_has_all_its_tasks_and_those_that_it_takes_from_others():
    storage = MemoryStorage()
    ReusedTasks(storage).write("F", "2", [("work", "3", "1")])
    ReusedTasks(storage).write_rest("F", "spin-1", "2")

    reused = ReusedTasks(storage)

    assert reused.origin_of(key("spin-1", 4)) == key("2", 4)
    assert reused.origin_of(key("spin-1", 3)) == key("1", 3)
    assert list(reused.of_run("F", "spin-1")) == []
