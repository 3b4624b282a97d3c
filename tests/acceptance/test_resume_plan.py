"""What a resumed run is going to take over, and the parameters and ids that it may be given."""

import os
import signal

import pytest
from command_line import nothing_left, until, words
from nested_flow import FLOW, MADE, failed
from stored_runs import (
    begin,
    begun,
    events_of,
    of_kind,
    states_of,
    stored_run,
)
from test_resume import HANGING, executed, plan_of, resume, succeeded


# SPEC 7.4-5
def test_the_plan_says_for_every_step_what_is_reused_and_why_the_rest_is_not(folder):
    folder.file(FLOW)
    assert folder.run("--keep-going", env={**os.environ, "FAIL": "b1"}).returncode == 1
    assert folder.run().returncode == 0

    assert plan_of(folder, "--origin-run-id", "1") == {
        "start": (1, 0, ""),
        "outer": (3, 0, ""),
        "inner": (5, 1, "not successful: 1 of 6 tasks"),
        "inner_join": (2, 0, "not reached by all"),
        "outer_join": (0, 0, "not reached"),
        "left": (0, 0, "not reached"),
        "right": (0, 0, "not reached"),
        "join": (0, 0, "not reached"),
        "end": (0, 0, "not reached"),
    }
    named = plan_of(folder, "left")
    assert named["left"] == (0, 1, "named")
    assert named["join"] == (0, 1, "after a named step")
    assert named["right"] == (1, 0, "")
    folder.file(FLOW.replace("outer_join", "gathered"))
    renamed = plan_of(folder)
    assert renamed["gathered"] == (0, 0, "new in the graph")
    assert renamed["inner_join"][:2] == (0, 3)
    assert folder.states() == ["failed", "succeeded"]


# SPEC 7.4-5
def test_a_dry_run_prints_the_plan_and_does_nothing(folder):
    failed(folder, "join")
    before = sorted(file for file in folder.root.rglob("*") if "metadata" not in file.name)

    done = resume(folder, "--dry-run")

    assert done.returncode == 0, words(done)
    assert "would go on from run 1" in done.stdout
    assert "inner" in done.stdout and "6 reused" in done.stdout
    assert "executed again (not successful: 1 of 1 tasks)" in done.stdout
    assert sorted(file for file in folder.root.rglob("*") if "metadata" not in file.name) == before
    assert folder.states() == ["failed"]


# SPEC 7.4-5
def test_what_is_done_is_what_was_planned(folder):
    folder.file(FLOW)
    assert folder.run("--keep-going", env={**os.environ, "FAIL": "b1"}).returncode == 1
    planned = {step: reused for step, (reused, _, _) in plan_of(folder).items()}

    done = resume(folder, "--json")

    told = {event["step"]: event["tasks"] for event in of_kind(events_of(done), "step_reused")}
    assert told == {step: reused for step, reused in planned.items() if reused}


# SPEC 7.4-5
def test_the_plan_is_said_before_the_first_task_starts(folder):
    failed(folder, "join")

    lines = resume(folder).stdout.splitlines()

    first = next(index for index, line in enumerate(lines) if "task started" in line)
    assert sum("reused from run 1" in line for line in lines[:first]) == 7
    assert any("join" in line and "not successful: 1 of 1 tasks" in line for line in lines[:first])


# SPEC 7.4-8
def test_a_parameter_that_is_overridden_has_its_new_value(folder):
    folder.file(FLOW)
    assert folder.run("--alpha", "5", env={**os.environ, "FAIL": "join"}).returncode == 1
    assert resume(folder, "--alpha", "8").returncode == 0
    assert resume(folder, "--origin-run-id", "1").returncode == 0

    assert stored_run(folder, "2")["end"].task["alpha"].data == 8
    assert stored_run(folder, "2")["_parameters"].task["alpha"].data == 8
    assert stored_run(folder, "3")["end"].task["alpha"].data == 5


# SPEC 7.4-8
@pytest.mark.parametrize("isolation", ["fork", "spawn", "inline"])
@pytest.mark.parametrize("step", ["right", "outer"])
def test_what_is_executed_after_reused_results_has_the_values_of_the_new_run(folder, step, isolation):
    succeeded(folder)
    folder.file(FLOW.replace("as it was", "as it is now"))

    assert resume(folder, step, "--alpha", "8", "--isolation", isolation).returncode == 0

    run = stored_run(folder, "2")
    assert run["right"].task["seen"].data == (8, "as it is now")
    assert run["right"].task["alpha"].data == run.data.alpha == 8
    assert run["outer_join"].task["alpha"].data == (1 if step == "right" else 8)


# SPEC 7.4-8
def test_reused_steps_that_read_an_overridden_parameter_are_named_in_a_warning(folder):
    failed(folder, "join")

    done = resume(folder, "--alpha", "8")
    same = resume(folder, "--alpha", "1", "--origin-run-id", "1")

    (line,) = [line for line in words(done).splitlines() if "alpha" in line]
    assert "right" in line and "left" not in line
    assert "alpha" not in words(same)


# SPEC 7.4-8
def test_a_parameter_that_is_new_has_its_default(folder):
    failed(folder, "join")
    folder.file(FLOW.replace("    constant =", '    beta = Parameter("beta", default="new")\n    constant ='))

    assert resume(folder).returncode == 0

    assert stored_run(folder, "2")["end"].task["beta"].data == "new"


# SPEC 7.4-8
def test_a_parameter_that_is_gone_is_no_parameter_of_the_new_run(folder):
    failed(folder, "join")
    folder.file(FLOW.replace('alpha = Parameter("alpha", default=1)', "alpha = 3"))

    assert resume(folder).returncode == 0

    assert stored_run(folder, "2").data.seen == (1, "as it was")
    assert stored_run(folder, "2")["end"].task["alpha"].data == 3


# SPEC 9.3-2
def test_the_id_of_the_new_run_can_be_given_and_is_taken_once(folder):
    failed(folder, "join")

    done = resume(folder, "--run-id", "second-try", "--run-id-file", "id")
    again = resume(folder, "--run-id", "second-try", "--origin-run-id", "1")

    assert done.returncode == 0, words(done)
    assert stored_run(folder, "second-try").data.all == MADE
    assert (folder.path / "id").read_text() == "second-try"
    assert again.returncode == 2 and "second-try" in again.stderr


# SPEC 9.3-2
# SPEC 7.4-4
def test_a_run_whose_id_is_no_number_can_be_resumed(folder):
    failed(folder, "join")
    assert resume(folder, "--run-id", "second-try", env={**os.environ, "FAIL": "end join"}).returncode == 1

    done = resume(folder, "--origin-run-id", "second-try", "--json")

    assert executed(done) == [("join", ()), ("end", ())]
    assert stored_run(folder, "2").data.all == MADE


# SPEC 9.3-2
def test_results_can_be_taken_over_alone_and_the_run_continued(folder):
    failed(folder, "join")

    done = resume(folder, "--clone-only", "--json")

    assert done.returncode in (0, 130), words(done)
    assert begun(events_of(done)) == []
    assert folder.states() == ["failed", "interrupted"]
    assert states_of(stored_run(folder, "2"))["inner"] == ["reused"] * 6
    assert executed(folder.call("flow.py", "continue", "--json")) == [("join", ()), ("end", ())]
    assert stored_run(folder, "2").data.all == MADE


# SPEC 7.4-6
def test_a_task_that_reused_results_are_missing_of_is_executed_again(folder):
    failed(folder, "join")
    inner = next(task for task in stored_run(folder)["inner"] if task["made"].data == "b1")
    (file,) = folder.root.glob(f"runs/F/0/1/packs/inner/0/{inner.id}")
    file.unlink()

    done = resume(folder, "--json")

    again = executed(done)
    assert [place for place in again if place[0].startswith("inner")] == [
        ("inner", (1, 1)),
        ("inner_join", (1,)),
    ]
    assert {step for step, _ in again} >= {"outer_join", "left", "right", "join", "end"}
    assert stored_run(folder, "2").data.all == MADE


# SPEC 7.4-4
@pytest.mark.parametrize("damage", ["flip", "remove"])
@pytest.mark.parametrize("command", ["resume", "continue"])
def test_a_pack_that_is_damaged_in_the_origin_s_origin_is_made_again(folder, damage, command):
    failed(folder, "join")
    assert resume(folder, env={**os.environ, "FAIL": "join"}).returncode == 1
    inner = next(task for task in stored_run(folder)["inner"] if task["made"].data == "b1")
    (file,) = folder.root.glob(f"runs/F/0/1/packs/inner/0/{inner.id}")
    data = file.read_bytes()
    file.chmod(0o600)
    file.unlink()
    if damage == "flip":
        file.write_bytes(data[:-1] + bytes([data[-1] ^ 0xFF]))

    done = folder.call("flow.py", command, "--json")

    assert ("inner", (1, 1)) in executed(done)
    run = stored_run(folder, "3" if command == "resume" else "2")
    assert run.successful and run.data.all == MADE
    (made,) = [task for task in run["inner"] if task.origin_pathspec is None]
    assert made.status == "succeeded" and made["made"].data == "b1"
    lost = [task.id for task in run["inner"] if task.status == "lost"]
    assert lost == ([inner.id] if command == "continue" else [])


# SPEC 7.4-4
def test_an_interrupt_while_resuming_leaves_a_run_that_goes_on(folder, mark):
    failed(folder, "left")
    folder.file(HANGING)
    process = begin(folder, "resume", env={**os.environ, "HANG": "join"})
    until((folder.path / "hangs").exists, "the join hangs")
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    nothing_left(mark)

    assert executed(folder.call("flow.py", "continue", "--json")) == [("join", ()), ("end", ())]
    assert stored_run(folder, "2").data.all == MADE
