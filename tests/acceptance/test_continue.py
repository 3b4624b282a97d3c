"""A run that failed, was interrupted or lost goes on in place."""

import os
import signal
import subprocess
import sys

import pytest
from command_line import nothing_left, until, words
from nested_flow import FLOW, MADE, failed
from stored_runs import begun, events_of, states_of, stored_run, stored_task, values_of


def go_on(folder, *options, **more):
    return folder.call("flow.py", "continue", *options, **more)


# SPEC 7.3-1
@pytest.mark.parametrize(
    ("fail", "executed"),
    [
        ("a0", {"inner", "inner_join", "outer_join", "left", "right", "join", "end"}),
        ("left", {"left", "right", "join", "end"}),
        ("join", {"join", "end"}),
    ],
)
@pytest.mark.parametrize("isolation", ["fork", "spawn", "inline"])
def test_what_succeeded_stays_and_the_rest_is_executed_in_place(folder, fail, executed, isolation):
    failed(folder, fail, "--max-workers", "1")
    before = values_of(stored_run(folder))

    done = go_on(folder, "--json", "--isolation", isolation)

    assert done.returncode == 0, done.stdout
    steps = {step for step, _, _ in begun(events_of(done))}
    assert steps <= executed and {"join", "end"} <= steps
    run = stored_run(folder)
    assert run.successful and folder.states() == ["succeeded"]
    assert run.data.all == MADE and run.data.sides == ["left", "right"]
    after = values_of(run)
    kept = {place for place in before if place[0] not in executed}
    assert {place: after[place] for place in kept} == {place: before[place] for place in kept}
    assert {state for states in states_of(run).values() for state in states} == {"succeeded"}


# SPEC 7.3-1
def test_a_task_that_failed_goes_on_under_its_id_as_its_next_attempt(folder):
    failed(folder, "left")
    (task,) = stored_run(folder)["left"]

    assert go_on(folder).returncode == 0

    (again,) = stored_run(folder)["left"]
    assert again.id == task.id and again.current_attempt == 1
    assert again["attempt_of_left"].data == 1
    assert stored_task(folder, f"1/left/{task.id}", 0).exception.exception == "as asked"


# SPEC 7.3-1
def test_every_attempt_of_several_continues_keeps_a_number_of_its_own(folder):
    failed(folder, "left")
    for _ in range(2):
        assert go_on(folder, env={**os.environ, "FAIL": "left"}).returncode == 1

    assert go_on(folder).returncode == 0

    (task,) = stored_run(folder)["left"]
    assert task.current_attempt == 3
    said = [stored_task(folder, f"1/left/{task.id}", number).exception for number in range(4)]
    assert [error is None for error in said] == [False, False, False, True]


# SPEC 7.3-1
def test_retries_begin_anew_when_a_run_is_continued(folder):
    failed(folder, "left")

    done = go_on(folder, "--json", "--with", "retry:times=2", env={**os.environ, "FAIL": "left"})

    assert done.returncode == 1
    assert [attempt for step, _, attempt in begun(events_of(done)) if step == "left"] == [1, 2, 3]


# SPEC 7.3-1
def test_the_latest_run_of_the_user_goes_on_unless_another_is_named(folder, monkeypatch):
    failed(folder, "left")
    failed(folder, "join")
    monkeypatch.setenv("STEPWELL_USER", "somebody")
    failed(folder, "a0")
    monkeypatch.setenv("STEPWELL_USER", "tester")

    assert go_on(folder).returncode == 0
    assert folder.states() == ["failed", "succeeded", "failed"]
    assert go_on(folder, "1").returncode == 0
    assert folder.states() == ["succeeded", "succeeded", "failed"]
    assert go_on(folder, "F/3").returncode == 0
    assert folder.states() == ["succeeded", "succeeded", "succeeded"]


# SPEC 7.3-1
def test_a_run_is_continued_by_the_command_that_names_the_file_too(folder):
    failed(folder, "left")

    done = folder.call("-m", "stepwell", "continue", "flow.py", "1")

    assert done.returncode == 0, words(done)
    assert folder.states() == ["succeeded"]


# SPEC 7.3-1
def test_the_code_of_now_is_used_and_recorded_beside_that_of_before(folder):
    failed(folder, "left")
    before = stored_run(folder)["start"].task.metadata_dict["code-version"]
    folder.file(FLOW.replace('self.side = "left"', 'self.side = "mended"'))

    assert go_on(folder).returncode == 0

    run = stored_run(folder)
    assert run.data.sides == ["mended", "right"]
    now = run["end"].task.metadata_dict["code-version"]
    assert now != before
    assert run["start"].task.metadata_dict["code-version"] == before
    assert before in folder.call("flow.py", "show", "1").stdout
    assert now in folder.call("flow.py", "show", "1").stdout


# SPEC 7.3-1
def test_an_interrupted_run_goes_on(folder, mark):
    folder.file(FLOW)
    process = folder.begin(env={**os.environ, "HANG": "b1"})
    until((folder.path / "hangs").exists, "a task hangs")
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    assert folder.states() == ["interrupted"]

    done = go_on(folder)

    assert done.returncode == 0, words(done)
    assert stored_run(folder).data.all == MADE
    nothing_left(mark)


# SPEC 7.3-4
def test_a_lost_run_goes_on(folder, mark):
    folder.file(FLOW)
    process = folder.begin(env={**os.environ, "HANG": "b1"})
    until((folder.path / "hangs").exists, "a task hangs")
    process.kill()
    process.wait()
    nothing_left(mark)

    done = go_on(folder)

    assert done.returncode == 0, words(done)
    assert stored_run(folder).data.all == MADE
    assert {state for states in states_of(stored_run(folder)).values() for state in states} == {"succeeded"}


# SPEC 7.3-4
def test_a_run_whose_launcher_was_killed_goes_on(folder, mark):
    folder.file(FLOW)
    process = folder.begin(env={**os.environ, "HANG": "b1"})
    until((folder.path / "hangs").exists, "a task hangs")
    for pid in content_of_children(process.pid):
        os.kill(pid, signal.SIGKILL)
    assert process.wait(30) == 1

    done = go_on(folder)

    assert done.returncode == 0, words(done)
    assert stored_run(folder).data.all == MADE


def content_of_children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(word) for word in file.read().split()]


# SPEC 7.3-4
def test_a_run_in_which_a_task_was_killed_goes_on(folder):
    folder.file(FLOW)
    assert folder.run(env={**os.environ, "KILL": "c1"}).returncode == 1

    done = go_on(folder)

    assert done.returncode == 0, words(done)
    assert stored_run(folder).data.all == MADE


# SPEC 7.3-2
def test_a_run_that_succeeded_has_nothing_left_to_do(folder):
    folder.file(FLOW)
    assert folder.run().returncode == 0

    done = go_on(folder)

    assert done.returncode == 0
    assert "nothing is left to do" in words(done)
    assert not done.stdout


# SPEC 7.3-2
def test_a_run_that_is_alive_is_refused_with_its_host_and_process(folder, mark):
    folder.file(FLOW)
    process = folder.begin(env={**os.environ, "HANG": "b1"})
    until((folder.path / "hangs").exists, "a task hangs")

    done = go_on(folder)

    assert done.returncode == 2, words(done)
    assert f"process {process.pid} on {os.uname().nodename}" in done.stderr
    process.terminate()
    assert process.wait(30) == 130
    nothing_left(mark)


# SPEC 7.3-2
def test_of_two_that_continue_at_once_exactly_one_does(folder):
    failed(folder, "join")
    started = [
        subprocess.Popen(
            [sys.executable, "flow.py", "continue", "1"],
            cwd=folder.path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]

    said = [process.communicate(timeout=60) for process in started]

    winners = [text for text, _ in said if "task started" in text]
    assert len(winners) == 1, said
    assert all(process.returncode in (0, 2) for process in started)
    assert all(
        "alive" in error or "has just been continued" in error or "nothing is left" in error
        for text, error in said
        if text not in winners
    ), said
    assert folder.states() == ["succeeded"]
    assert [task.current_attempt for task in stored_run(folder)["join"]] == [1]


# SPEC 7.3-2
@pytest.mark.parametrize(
    ("args", "word"),
    [(["7"], "no run `7`"), (["Other/1"], "Other"), (["1/start"], "no run of F"), (["a/b/c"], "no run")],
)
def test_a_run_that_there_is_not_is_named(folder, args, word):
    failed(folder, "join")

    done = go_on(folder, *args)

    assert done.returncode == 2, words(done)
    assert word in done.stderr


# SPEC 7.3-2
def test_without_any_run_it_says_how_to_start_one(folder):
    folder.file(FLOW)

    done = go_on(folder)

    assert done.returncode == 2, words(done)
    assert "python flow.py run" in done.stderr


# SPEC 7.3-2
def test_a_run_of_another_flow_is_no_run_of_this_one(folder):
    failed(folder, "join")
    folder.flow(name="other.py")

    done = folder.call("other.py", "continue", "1")

    assert done.returncode == 2, words(done)
    assert "no run" in done.stderr or "no flow" in done.stderr


# SPEC 7.3-3
def test_parameters_and_constants_stay_whatever_the_source_says_now(folder):
    folder.file(FLOW)
    done = folder.run("--alpha", "7", env={**os.environ, "FAIL": "join"})
    assert done.returncode == 1
    folder.file(FLOW.replace("default=1", "default=99").replace("as it was", "as it is now"))

    assert go_on(folder).returncode == 0

    assert stored_run(folder).data.seen == (7, "as it was")
    assert stored_run(folder)["end"].task["alpha"].data == 7
    assert stored_run(folder)["end"].task["constant"].data == "as it was"


# SPEC 7.3-3
@pytest.mark.parametrize("isolation", ["fork", "spawn", "inline"])
def test_tasks_that_are_executed_again_see_the_constants_of_the_run(folder, isolation):
    failed(folder, "a0")
    folder.file(FLOW.replace("as it was", "as it is now"))

    assert go_on(folder, "--isolation", isolation).returncode == 0

    assert stored_run(folder).data.seen == (1, "as it was")


# SPEC 7.3-3
def test_parameters_cannot_be_given_anew(folder):
    failed(folder, "join")

    done = go_on(folder, "--alpha", "3")

    assert done.returncode == 2, words(done)
    assert "--alpha" in done.stderr
    assert folder.states() == ["failed"]


# SPEC 7.3-3
def test_tags_workers_decorators_and_keep_going_may_be_given(folder):
    failed(folder, "a0", "--tag", "first")

    done = go_on(
        *(folder, "--tag", "second", "--max-workers", "1", "--with", "retry:times=1", "--keep-going"),
        env={**os.environ, "FAIL": "left"},
    )

    assert done.returncode == 1, words(done)
    run = stored_run(folder)
    assert run.user_tags == {"first", "second"}
    assert stored_task(folder, f"1/left/{run['left'].task.id}").current_attempt == 1
    assert run["right"].task.successful


# SPEC 7.3-3
def test_steps_that_are_new_in_the_source_are_executed_too(folder):
    failed(folder, "join")
    folder.file(
        FLOW.replace(
            "        self.next(self.end)\n",
            "        self.next(self.added)\n\n    @step\n    def added(self):\n"
            "        self.more = 1\n        self.next(self.end)\n",
        )
    )

    done = go_on(folder, "--json")

    assert done.returncode == 0, done.stdout
    assert [step for step, _, _ in begun(events_of(done))] == ["join", "added", "end"]
    assert stored_run(folder).data.more == 1
