"""Runs go on although the index, a result or the code was lost meanwhile."""

import os
import time

import pytest
from command_line import until, words
from msgspec.structs import replace
from nested_flow import FLOW, MADE, failed
from stored_runs import begun, events_of, of_kind, stored_run, stored_task
from test_continue import go_on

from stepwell.model.states import RunState
from stepwell.wiring.stores import open_stores


# SPEC 7.3-4
@pytest.mark.parametrize("again", ["reindex", "nothing"])
def test_a_run_goes_on_without_the_index_it_had(folder, again):
    failed(folder, "join")
    for file in folder.root.glob("metadata.db*"):
        file.unlink()
    if again == "reindex":
        assert folder.call("-m", "stepwell", "reindex").returncode == 0

    done = go_on(folder, "--json")

    if again == "nothing":
        assert done.returncode == 2
        assert "stepwell reindex" in done.stderr
        return
    assert done.returncode == 0, done.stdout
    assert [step for step, _, _ in begun(events_of(done))] == ["join", "end"]
    assert stored_run(folder).data.all == MADE


# SPEC 7.3-4
def test_a_lost_run_goes_on_after_its_index_was_made_anew(folder, mark):
    folder.file(FLOW)
    process = folder.begin(env={**os.environ, "HANG": "b1"})
    until((folder.path / "hangs").exists, "a task hangs")
    process.kill()
    process.wait()
    for file in folder.root.glob("metadata.db*"):
        file.unlink()
    assert folder.call("-m", "stepwell", "reindex").returncode == 0

    done = go_on(folder, "1")

    assert done.returncode == 0, words(done)
    assert stored_run(folder).data.all == MADE
    ids = [task.id for step in stored_run(folder) for task in step]
    assert len(set(ids)) == len(ids)


# SPEC 7.3-4
@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "remove"])
def test_a_task_whose_pack_is_damaged_is_made_again_with_all_that_depends_on_it(folder, damage):
    failed(folder, "join")
    inner = next(task for task in stored_run(folder)["inner"] if task["made"].data == "b1")
    (file,) = folder.root.glob(f"runs/F/0/1/packs/inner/0/{inner.id}")
    data = bytearray(file.read_bytes())
    file.chmod(0o600)
    file.unlink()
    if damage != "remove":
        data[-1] ^= 0xFF
        file.write_bytes(data[: {"cut": len(data) // 2, "empty": 0}.get(damage, len(data))])

    done = go_on(folder, "--json")

    assert done.returncode == 0, done.stdout
    executed = [(step, path) for step, path, _ in begun(events_of(done))]
    assert ("inner", [1, 1]) in executed
    assert [path for step, path in executed if step == "inner_join"] == [[1]]
    assert {step for step, _ in executed} >= {"outer_join", "left", "right", "join", "end"}
    run = stored_run(folder)
    assert run.data.all == MADE
    assert stored_task(folder, f"1/inner/{inner.id}").status == "lost"


# SPEC 7.4-6
# SPEC 7.3-4
def test_what_followed_a_task_that_is_made_again_is_made_again_too(folder):
    failed(folder, "join")
    folder.file(FLOW.replace("self.all = [one.made", "self.all = [2 * one.made"))
    (file,) = folder.root.glob("runs/F/0/1/packs/outer_join/*/*")
    file.unlink()

    done = go_on(folder, "--json")

    assert done.returncode == 0, done.stdout
    executed = [step for step, _, _ in begun(events_of(done))]
    assert sorted(executed) == sorted(["outer_join", "left", "right", "join", "end"])
    run = stored_run(folder)
    assert run.data.all == [2 * made for made in MADE]
    made = {step.id: sorted(task.status for task in step) for step in run if step.id in executed}
    assert made["outer_join"] == made["left"] == ["lost", "succeeded"]
    assert made["end"] == ["succeeded"]


# SPEC 7.3-4
def test_a_run_without_its_parameters_cannot_go_on(folder):
    failed(folder, "join")
    (file,) = folder.root.glob("runs/F/0/1/packs/_parameters/*/*")
    file.unlink()

    done = go_on(folder)

    assert done.returncode == 2, words(done)
    assert "parameters" in done.stderr and "new run" in done.stderr
    assert folder.states() == ["failed"]


# SPEC 7.3-1
def test_what_is_on_record_of_a_task_stays_when_its_run_is_continued(folder):
    failed(folder, "join")
    task = stored_run(folder)["right"].task
    before = (task.metadata_dict, task.created_at, task.finished_at, task.current_attempt, task.index)

    assert go_on(folder).returncode == 0

    task = stored_run(folder)["right"].task
    fields = task.metadata_dict
    assert (fields, task.created_at, task.finished_at, task.current_attempt, task.index) == before


# SPEC 7.3-1
def test_the_run_says_what_it_does_not_execute(folder):
    failed(folder, "join")

    done = go_on(folder)

    assert "[1/inner (pid" in done.stdout and "6 tasks had succeeded" in done.stdout
    assert "run succeeded" in done.stdout and "tasks: 18 succeeded" in done.stdout


# SPEC 7.3-1
def test_a_step_that_is_gone_from_the_source_leaves_its_results_where_they_are(folder):
    failed(folder, "join")
    folder.file(
        FLOW.replace("self.next(self.left, self.right)", "self.next(self.right)")
        .replace("    @step\n    def left(self):", "    def left(self):")
        .replace("self.next(self.join)\n\n    @step\n    def right", "\n    @step\n    def right")
        .replace("def join(self, inputs):", "def join(self):")
        .replace("self.sides = [one.side for one in inputs]\n", "self.sides = [self.side]\n")
        .replace('self.merge_artifacts(inputs, include=["all", "seen"])', "pass")
    )

    done = go_on(folder, "--json")

    assert done.returncode == 0, done.stdout + done.stderr
    executed = [step for step, _, _ in begun(events_of(done))]
    assert executed == ["outer_join", "right", "join", "end"]
    assert stored_run(folder).data.sides == ["right"]


# SPEC 7.3-1
def test_events_of_a_continued_run_tell_what_is_reused(folder):
    failed(folder, "join")

    events = events_of(go_on(folder, "--json"))

    told = {event["step"]: (event["tasks"], event["origin"]) for event in of_kind(events, "step_reused")}
    assert told["inner"] == (6, "1") and told["start"] == (1, "1") and "join" not in told
    assert of_kind(events, "run_ended")[0]["counts"] == {"succeeded": 18}


# SPEC 7.3-2
def test_a_run_that_a_machine_elsewhere_carries_out_is_refused_while_it_beats(folder):
    failed(folder, "join")
    metadata = open_stores(str(folder.root)).metadata
    found = metadata.run("F", "1")
    assert found is not None
    elsewhere = {"state": RunState.RUNNING, "host": "elsewhere", "pid": 77, "finished_at": None}
    metadata.save_run(replace(found, heartbeat_at=time.time(), **elsewhere))

    done = go_on(folder)

    assert done.returncode == 2, words(done)
    assert "process 77 on elsewhere" in done.stderr
