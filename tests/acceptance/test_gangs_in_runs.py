"""Gangs on this machine: tasks that run at the same time, find each other, and have one fate."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from command_line import Folder, content, nothing_left, until, words
from gang_flow import gang_flow
from stored_runs import events_of, of_kind, states_of, stored_run, stored_task

IDS = ["2", "2_node_1", "2_node_2"]
END_WAITS = "    def end(self):\n        assert os.path.exists('go')"


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A run with a gang of three whose tasks meet, and what it printed as events."""
    folder = Folder(tmp_path_factory.mktemp("gang"))
    folder.file(gang_flow())
    done = folder.run("--json")
    assert done.returncode == 0, done.stderr
    return folder, events_of(done)


def pids(folder, attempt=0):
    """What the tasks have written by now; one may have made its file, and not written to it yet."""
    written = {path.name.split(".")[1]: path.read_text() for path in folder.path.glob(f"pid.*.{attempt}")}
    return {index: int(pid) for index, pid in written.items() if pid}


def known(folder):
    """How many tasks of the gang the index knows of."""
    with closing(sqlite3.connect(folder.root / "metadata.db")) as db:
        return db.execute("SELECT count(*) FROM tasks WHERE step = 'train'").fetchone()[0]


# SPEC 2.6-1, 2.6-2, 11.3-1
def test_tasks_of_a_gang_run_at_the_same_time_and_know_their_places(ran):
    folder, _ = ran
    tasks = {task.id: task for task in stored_run(folder)["train"]}

    assert sorted(tasks) == IDS
    for index, id in enumerate(IDS):
        data = tasks[id].data
        assert data.total == 303
        assert data.place == ("127.0.0.1", 3, index, "2")
        assert data.is_parallel is True
        assert data.variables == {
            "MF_PARALLEL_MAIN_IP": "127.0.0.1",
            "MF_PARALLEL_NUM_NODES": "3",
            "MF_PARALLEL_NODE_INDEX": str(index),
            "MF_PARALLEL_CONTROL_TASK_ID": "2",
        }


# SPEC 2.6-1, 2.5-2
def test_the_join_gets_all_tasks_of_the_gang_in_their_order(ran):
    folder, _ = ran

    assert stored_task(folder, "1/join/5").data.totals == [303, 303, 303]
    assert [task.id for task in stored_task(folder, "1/join/5").parent_tasks] == IDS


# SPEC 10.2-5, 10.3-2, 12.4-5
def test_the_client_knows_the_control_task_and_who_follows_whom(ran):
    folder, _ = ran
    run = stored_run(folder)

    assert run["train"].control_task.id == "2"
    assert [task.id for task in run["train"].control_tasks()] == ["2"]
    assert run["join"].control_task is None
    assert list(stored_task(folder, "1/train/2_node_1").parent_task_pathspecs) == ["F/1/start/1"]
    assert list(stored_task(folder, "1/train/2_node_1").child_task_pathspecs) == ["F/1/join/5"]
    assert sorted(task.id for task in stored_task(folder, "1/start/1").child_tasks) == IDS
    for id in IDS:
        fields = stored_task(folder, f"1/train/{id}").metadata_dict
        assert fields["parallel-world-size"] == "3"
        assert fields["foreach-execution-path"] == f"start:{IDS.index(id)}"


# SPEC 10.3-2, 12.4-1
def test_an_index_that_is_made_anew_knows_a_gang_as_before(ran):
    folder, _ = ran
    (folder.root / "metadata.db").unlink()

    done = folder.call("-m", "stepwell", "reindex")

    assert done.returncode == 0, words(done)
    train = stored_run(folder)["train"]
    assert [task.id for task in train] == IDS[::-1]
    assert train.control_task.id == "2"
    assert sorted(task.id for task in stored_task(folder, "1/start/1").child_tasks) == IDS
    assert list(stored_task(folder, "1/train/2_node_2").child_task_pathspecs) == ["F/1/join/5"]


# SPEC 2.6-4
def test_each_task_of_a_gang_has_a_log_and_a_state_of_its_own(ran):
    folder, events = ran

    for index, id in enumerate(IDS):
        assert folder.call("flow.py", "logs", f"1/train/{id}").stdout == f"this is node {index}\n"
        assert "succeeded" in folder.call("flow.py", "show", f"1/train/{id}").stdout
    assert states_of(stored_run(folder))["train"] == ["succeeded"] * 3
    ended = [event["key"][3] for event in of_kind(events, "task_ended") if event["key"][2] == "train"]
    assert ended == IDS
    (opened,) = of_kind(events, "foreach_opened")
    assert (opened["num_splits"], opened["is_gang"]) == (3, True)
    starts = [event for event in events if event["event"] in ("task_started", "task_ended")]
    first = [event["event"] for event in starts if event["key"][2] == "train"]
    assert first == ["task_started"] * 3 + ["task_ended"] * 3


# SPEC 2.6-2
def test_spawned_tasks_find_their_place_when_the_flow_is_imported(folder):
    folder.file(gang_flow())

    done = folder.run("--isolation", "spawn", "--size", "2")

    assert done.returncode == 0, words(done)
    tasks = {task.id: task.data for task in stored_run(folder)["train"]}
    assert {id: data.at_import for id, data in tasks.items()} == {"2": "0", "2_node_1": "1"}


# SPEC 2.6-4, 6.2-3
def test_a_gang_with_more_tasks_than_workers_runs_alone_and_that_is_said(folder):
    folder.file(gang_flow())

    done = folder.run("--max-workers", "1", "--size", "4")

    assert done.returncode == 0, words(done)
    assert "the gang of 4 tasks of step train asks for 4 workers, there is 1; it runs alone." in words(done)
    assert stored_run(folder)["join"].task.data.totals == [406] * 4


# SPEC 2.6-3
def test_a_gang_of_one_is_a_gang(folder):
    folder.file(gang_flow())

    done = folder.run("--size", "1")

    assert done.returncode == 0, words(done)
    assert stored_run(folder)["train"].task.data.place == ("127.0.0.1", 1, 0, "2")


# SPEC 2.6-3
@pytest.mark.parametrize("size", ["0", "-2", "True", "2.0", "'4'", "None"])
def test_what_is_no_number_of_tasks_fails_with_step_and_value(folder, size):
    folder.file(gang_flow().replace("num_parallel=self.size", f"num_parallel=[{size}][0]"))

    done = folder.run()

    assert done.returncode == 1
    assert f"`num_parallel` in step 'start' must be a whole number of at least 1, but it is {size}." in words(
        done
    )


# SPEC 2.6-4, 6.1-1, 12.3-1
@pytest.mark.parametrize("mode", ["killed", "raise"])
def test_a_gang_of_which_one_dies_is_tried_again_as_one(folder, mark, mode):
    folder.file(gang_flow("@retry(times=1)"))

    done = folder.run("--mode", mode, "--times", "1")

    assert done.returncode == 0, words(done)
    data = stored_run(folder)["join"].task.data
    assert (data.totals, data.attempts) == ([303] * 3, [1] * 3)
    assert "1/train/2_node_1 failed; ending the 1 other task of its gang" in words(done)
    for id in IDS:
        assert stored_task(folder, f"1/train/{id}").data.attempt == 1
        assert stored_task(folder, f"1/train/{id}", 0).successful is False
    early = stored_task(folder, "1/train/2_node_2", 0)
    assert "its result does not count" in folder.call("flow.py", "show", "1/train/2_node_2").stdout
    assert early.metadata_dict["attempt_ok"] == "False"
    nothing_left(mark)


# SPEC 2.6-4
def test_a_gang_that_fails_for_good_fails_the_run_and_nothing_of_it_is_left(folder, mark):
    folder.file(gang_flow())

    done = folder.run("--mode", "raise")

    assert done.returncode == 1
    assert "task 1/train/2_node_1 failed: ValueError: out of luck" in words(done)
    assert "`python flow.py why 1/train/2_node_1`" in words(done)
    assert "spin" not in words(done), "a task of a gang cannot be run by itself"
    assert states_of(stored_run(folder)) == {
        "start": ["succeeded"],
        "train": ["failed"] * 3,
    }
    assert not any(task.successful for task in stored_run(folder)["train"])
    nothing_left(mark)


# SPEC 2.6-4, 7.2-4
def test_a_task_of_a_gang_that_will_not_end_is_killed_after_the_grace(folder, mark):
    folder.file(gang_flow())

    done = folder.run("--mode", "stubborn", "--kill-grace", "0.2")

    assert done.returncode == 1
    assert "task 1/train/2_node_1 failed" in words(done)
    assert (
        "1/train/2_node_1, of its gang, failed"
        in folder.call("flow.py", "logs", "1/train/2", "--stderr").stdout
    )
    nothing_left(mark)


# SPEC 2.6-4, 6.1-4
def test_a_gang_is_caught_as_one(folder):
    folder.file(gang_flow('@catch(var="failure", print_exception=False)'))

    done = folder.run("--mode", "raise")

    assert done.returncode == 0, words(done)
    data = stored_run(folder)["join"].task.data
    assert data.totals == [None] * 3
    assert all("2_node_1 failed: ValueError: out of luck" in failure for failure in data.failures)


# SPEC 2.6-4, 6.1-8
def test_the_time_limit_of_one_ends_all(folder, mark):
    folder.file(gang_flow("@timeout(seconds=1)"))

    done = folder.run("--mode", "hang")

    assert done.returncode == 1
    assert "TimeoutException" in words(done)
    assert states_of(stored_run(folder))["train"] == ["failed"] * 3
    nothing_left(mark)


# SPEC 2.6-4, 7.2-4
def test_an_interrupt_ends_every_task_of_a_gang(folder, mark):
    folder.file(gang_flow("@retry(times=3)"))
    process = folder.begin("--mode", "hang")
    until(lambda: len(pids(folder)) == 3, "the gang has begun")

    os.killpg(process.pid, signal.SIGINT)

    assert process.wait(30) == 130, content(folder.path / "err.txt")
    assert folder.states() == ["interrupted"]
    assert states_of(stored_run(folder))["train"] == ["killed"] * 3
    nothing_left(mark)


# SPEC 2.6-4, 7.3-1
def test_a_killed_run_goes_on_with_the_whole_gang(folder, mark):
    folder.file(gang_flow())
    process = folder.begin("--mode", "hang", "--times", "1")
    until(lambda: len(pids(folder)) == 3 and known(folder) == 3, "the index knows of the gang")
    os.kill(process.pid, signal.SIGKILL)
    process.wait(30)
    nothing_left(mark)

    done = folder.call("flow.py", "continue", "1")

    assert done.returncode == 0, words(done)
    tasks = {task.id: task.data for task in stored_run(folder)["train"]}
    assert {data.total for data in tasks.values()} == {303}
    assert len({data.attempt for data in tasks.values()}) == 1
    control = stored_run(folder)["train"].control_task.id
    assert {data.place for data in tasks.values()} == {("127.0.0.1", 3, index, control) for index in range(3)}
    assert stored_run(folder)["join"].task.data.totals == [303] * 3


# SPEC 7.3-1, 7.4-1
def test_a_failed_gang_is_tried_again_under_its_ids_and_a_good_one_is_taken_over(folder):
    folder.file(gang_flow())
    assert folder.run("--mode", "raise", "--times", "1").returncode == 1

    again = folder.call("flow.py", "continue", "1")
    resumed = folder.call("flow.py", "resume", "join", "--origin-run-id", "1")

    assert again.returncode == 0, words(again)
    assert resumed.returncode == 0, words(resumed)
    first, second = stored_run(folder), stored_run(folder, "2")
    assert [task.data.attempt for task in first["train"]] == [1] * 3
    assert sorted(task.id for task in first["train"]) == IDS
    assert states_of(second)["train"] == ["reused"] * 3
    assert sorted(task.id for task in second["train"]) == IDS
    assert second["train"].control_task.id == "2"
    assert second["join"].task.data.totals == [303] * 3
    assert [task.id for task in second["join"].task.parent_tasks] == IDS


# SPEC 7.3-4, 12.2-5
def test_a_gang_that_has_lost_a_result_is_made_anew_and_the_old_one_is_known_as_lost(folder):
    folder.file(gang_flow().replace("    def end(self):\n        pass", END_WAITS))
    assert folder.run().returncode == 1
    (lost,) = folder.root.glob("runs/**/packs/train/**/2_node_1")
    lost.unlink()
    (folder.path / "go").touch()

    done = folder.call("flow.py", "continue", "1")

    assert done.returncode == 0, words(done)
    (folder.root / "metadata.db").unlink()
    assert folder.call("-m", "stepwell", "reindex").returncode == 0
    states = {task.id: task.status for task in stored_run(folder)["train"]}
    control = stored_run(folder)["train"].control_task.id
    again = [control, f"{control}_node_1", f"{control}_node_2"]
    assert control not in IDS
    assert states == {"2": "lost", "2_node_2": "lost", **dict.fromkeys(again, "succeeded")}


# SPEC 2.6-5
@pytest.mark.parametrize(
    ("command", "who"),
    [
        (["run", "--isolation", "inline"], "the inline engine refuses: it cannot run tasks at the same time"),
        (
            ["init", "--run-id", "x"],
            "a scheduler that starts each task by itself cannot start its tasks together",
        ),
        (["spin", "train"], "`spin`, which runs one task, cannot start its tasks together"),
    ],
)
def test_who_cannot_start_tasks_together_refuses_a_gang_by_name(folder, command, who):
    folder.file(gang_flow())

    done = folder.call("flow.py", *command)

    assert done.returncode == 2
    assert "step 'train'" in words(done)
    assert who in words(done)


# SPEC 2.6-4
def test_runs_that_share_workers_run_their_gangs_whole(folder):
    folder.file(gang_flow())

    done = folder.call("flow.py", "run-many", "--grid", "size=2,3", "--max-workers", "2")

    assert done.returncode == 0, words(done)
    sizes = sorted(len(list(stored_run(folder, id)["train"])) for id in ("1", "2"))
    assert sizes == [2, 3]


def test_a_gang_is_seen_in_the_graph(ran):
    folder, _ = ran

    dot = folder.call("flow.py", "output-dot").stdout
    log = folder.run().stdout

    assert r'"start" [label="start\ngang", shape=box3d];' in dot
    assert "gang opened: 3 tasks of step train" in log


def test_the_mark_is_no_part_of_what_the_code_of_a_step_is(folder):
    folder.file(gang_flow())
    assert folder.run().returncode == 0
    folder.file(gang_flow("@retry(times=1)"))

    done = folder.call("flow.py", "resume", "end")

    assert done.returncode == 0, words(done)
    assert "changed" not in words(done)


def test_real_programs_share_a_gang_s_variables(folder):
    child = 'self.child = int(os.popen("echo $MF_PARALLEL_NODE_INDEX").read())'
    text = gang_flow().replace("self.next(self.join)", child + "; self.next(self.join)")
    folder.file(text)

    done = subprocess.run(
        [sys.executable, "flow.py", "run"], cwd=folder.path, capture_output=True, text=True, timeout=60
    )

    assert done.returncode == 0, done.stderr
    assert sorted(task.data.child for task in stored_run(folder)["train"]) == [0, 1, 2]
