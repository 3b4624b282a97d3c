"""A new run that reuses results of an earlier one, by reference."""

import json
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
    scope,
    states_of,
    stored_run,
    stored_task,
    tasks_of,
    values_of,
)

from stepwell.client.objects import Flow

HANGING = FLOW.replace(
    'if "join" in',
    'if "HANG" in os.environ: open("hangs", "w"); time.sleep(600)\n        if "join" in',
)
STEPS = ["start", "outer", "inner", "inner_join", "outer_join", "left", "right", "join", "end"]


def resume(folder, *options, **more):
    return folder.call("flow.py", "resume", *options, **more)


def executed(done):
    """Return step and index path of every task that was executed, in their order."""
    assert done.returncode == 0, done.stdout + done.stderr
    return [(step, tuple(path)) for step, path, _ in begun(events_of(done))]


def succeeded(folder, *options):
    folder.file(FLOW)
    done = folder.run(*options)
    assert done.returncode == 0, words(done)


def plan_of(folder, *options):
    """Return what a resumed run would do: step, tasks reused, tasks executed, and why."""
    done = resume(folder, "--dry-run", "--json", *options)
    assert done.returncode == 0, words(done)
    steps = json.loads(done.stdout)["steps"]
    return {step["step"]: (step["reused"], step["executed"], step.get("why", "")) for step in steps}


# SPEC 7.4-1
# SPEC 7.4-3
@pytest.mark.parametrize(
    ("fail", "again"),
    [
        (
            "b1",
            {("inner", (1, 1)), ("inner_join", (1,))}
            | {(step, ()) for step in ("outer_join", "left", "right", "join", "end")},
        ),
        ("join", {("join", ()), ("end", ())}),
    ],
)
@pytest.mark.parametrize("isolation", ["fork", "spawn", "inline"])
def test_without_a_step_whatever_did_not_succeed_is_executed(folder, fail, again, isolation):
    folder.file(FLOW)
    assert folder.run("--keep-going", env={**os.environ, "FAIL": fail}).returncode == 1

    done = resume(folder, "--json", "--isolation", isolation)

    assert set(executed(done)) == again
    run = stored_run(folder, "2")
    assert run.successful and run.data.all == MADE and run.data.seen == (1, "as it was")
    assert folder.states() == ["failed", "succeeded"]
    assert len(tasks_of(run)) == 18


# SPEC 7.4-1
# SPEC 7.4-10
@pytest.mark.parametrize("step", STEPS)
def test_with_a_step_that_one_and_all_later_ones_are_executed(folder, step):
    succeeded(folder)
    later = {
        "left": ["left", "join", "end"],
        "right": ["right", "join", "end"],
    }.get(step, STEPS[STEPS.index(step) :])

    done = resume(folder, step, "--json")

    assert {name for name, _ in executed(done)} == set(later)
    first, second = (stored_run(folder, id) for id in "12")
    assert values_of(second) == values_of(first) | {
        place: values for place, values in values_of(second).items() if place[0] in later
    }
    assert second.data.all == MADE and second.data.sides == ["left", "right"]
    ids = {task.id for own in first for task in own}
    highest = max(map(int, ids))
    for place, task in tasks_of(second).items():
        if place[0] in later:
            assert int(task.id) > highest
            assert task.origin_pathspec is None and task.status == "succeeded"
        else:
            assert task.id == tasks_of(first)[place].id
            assert task.origin_pathspec == tasks_of(first)[place].pathspec and task.status == "reused"


# SPEC 7.4-1
def test_nothing_is_copied(folder):
    succeeded(folder)
    before = {file for file in folder.root.glob("blobs/*/*/*")}

    assert resume(folder, "end").returncode == 0

    packs = {file.parent.parent.name for file in folder.root.glob("runs/F/0/2/packs/*/*/*")}
    assert packs == {"_parameters", "end"}
    logs = list(folder.root.glob("runs/F/0/2/logs/*"))
    assert logs == []
    assert {file for file in folder.root.glob("blobs/*/*/*")} == before


# SPEC 7.4-2
def test_reused_tasks_are_tasks_of_the_new_run_that_lead_back_to_their_origin(folder):
    folder.file(FLOW.replace('self.side = "right"', 'self.side = "right"; print("said on the right")'))
    assert folder.run("--tag", "mine", env={**os.environ, "FAIL": "join"}).returncode == 1

    assert resume(folder, "--tag", "yours").returncode == 0

    run = stored_run(folder, "2")
    task = run["right"].task
    origin = stored_run(folder)["right"].task
    assert task.origin_pathspec == origin.pathspec
    fields = task.metadata_dict
    assert (fields["origin-run-id"], fields["origin-task-id"]) == ("1", origin.id)
    assert task.successful and task.finished and task.finished_at == origin.finished_at
    assert task.stdout == "said on the right\n"
    assert folder.call("flow.py", "logs", "2/right").stdout == "said on the right\n"
    assert run.user_tags == {"yours"} and stored_run(folder).user_tags == {"mine"}
    assert list(task.parent_task_pathspecs) == [f"F/2/outer_join/{run['outer_join'].task.id}"]
    assert [child.path_components[2] for child in run["left"].task.child_tasks] == ["join"]
    assert "reused    from F/1/right" in folder.call("flow.py", "show", f"2/right/{task.id}").stdout
    assert "side" in folder.call("flow.py", "dump", "2/right").stdout


# SPEC 7.4-2
def test_executed_tasks_know_the_run_that_theirs_goes_on_from(folder):
    flow = FLOW.replace("self.sides = [", "self.origin = current.origin_run_id; self.sides = [")
    folder.file(flow)
    assert folder.run(env={**os.environ, "FAIL": "join"}).returncode == 1

    assert resume(folder).returncode == 0

    assert stored_run(folder, "2")["join"].task["origin"].data == "1"
    assert stored_run(folder, "2")["join"].task.metadata_dict["origin-run-id"] == "1"


# SPEC 7.4-2
# SPEC 8.1-5
def test_earlier_attempts_of_a_reused_task_are_read_through_to_their_origin(folder):
    folder.file(
        FLOW.replace(
            'self.side = "right"',
            'self.side = "right"; print("attempt", current.retry_count); 1 / current.retry_count',
        )
    )
    assert folder.run("--with", "retry:times=1").returncode == 0

    assert resume(folder, "end").returncode == 0

    id = stored_run(folder, "2")["right"].task.id
    tasks = [stored_task(folder, f"2/right/{id}", attempt) for attempt in range(2)]
    assert [task.stdout for task in tasks] == ["attempt 0\n", "attempt 1\n"]
    assert [task.successful for task in tasks] == [False, True]
    assert tasks[0].exception.type.endswith("ZeroDivisionError")
    assert "0 failed after" in folder.call("flow.py", "show", f"2/right/{id}").stdout


# SPEC 7.4-3
def test_of_a_wide_foreach_only_the_failed_and_unfinished_branches_are_executed(folder, mark):
    folder.file(FLOW)
    process = folder.begin("--max-workers", "1", env={**os.environ, "HANG": "c1"})
    until((folder.path / "hangs").exists, "a task hangs")
    process.kill()
    process.wait()
    nothing_left(mark)

    done = resume(folder, "--json")

    again = executed(done)
    assert ("inner", (2, 1)) in again and ("inner", (0, 0)) not in again
    assert [place for place in again if place[0] == "inner_join"] != []
    assert stored_run(folder, "2").data.all == MADE
    assert folder.states() == ["lost", "succeeded"]


# SPEC 7.4-3
def test_a_step_may_be_added_and_one_that_did_not_succeed_may_be_edited(folder):
    failed(folder, "join")
    folder.file(
        FLOW.replace(
            "        self.next(self.end)\n",
            "        self.next(self.added)\n\n    @step\n    def added(self):\n"
            "        self.more = len(self.sides)\n        self.next(self.end)\n",
        )
    )

    done = resume(folder, "--json")

    assert executed(done) == [("join", ()), ("added", ()), ("end", ())]
    assert stored_run(folder, "2").data.more == 2


# SPEC 7.4-3
# SPEC 7.4-6
def test_behind_a_step_that_was_put_in_between_nothing_stale_is_reused(folder):
    succeeded(folder)
    folder.file(
        FLOW.replace("        self.next(self.left, self.right)", "        self.next(self.between)\n\n"
            "    @step\n    def between(self):\n        self.all = [one[:1] for one in self.all]\n"
            "        self.next(self.left, self.right)")
    )  # fmt: skip

    done = resume(folder, "--json")

    again = [step for step, _ in executed(done)]
    assert again == ["outer_join", "between", "left", "right", "join", "end"]
    assert stored_run(folder, "2").data.all == [["a0"], ["b0"], ["c0"]]


# SPEC 7.4-3
# SPEC 7.4-6
@pytest.mark.parametrize("inside", [True, False])
def test_a_step_put_into_a_branch_of_a_foreach_makes_that_branch_anew(folder, inside):
    succeeded(folder)
    word = "inner_join" if inside else "inner"
    before = (
        f"        self.next(self.{word})" if inside else '        self.next(self.inner, foreach="numbers")'
    )
    if inside:
        text = FLOW.replace(
            before, "        self.next(self.extra)\n\n    @step\n    def extra(self):\n"
            "        self.made = self.made + '!'\n        self.next(self.inner_join)")  # fmt: skip
    else:
        text = FLOW.replace(
            'self.next(self.outer, foreach="items")', 'self.next(self.extra, foreach="items")'
        )
        text = text.replace("    @step\n    def outer(self):\n        self.name_of_outer = self.input\n",
            "    @step\n    def extra(self):\n        self.name_of_outer = self.input + '!'\n"
            "        self.place = self.index\n        self.next(self.outer)\n\n"
            "    @step\n    def outer(self):\n").replace("self.index + 1", "self.place + 1")  # fmt: skip
    folder.file(text)

    done = resume(folder, "--json")

    again = {step for step, _ in executed(done)}
    assert "extra" in again and {"inner_join", "outer_join", "end"} <= again
    assert ("outer" in again) is not inside
    wanted = [[f"{made}!" for made in row] for row in MADE] if inside else [
        [f"{made[0]}!{made[1]}" for made in row] for row in MADE
    ]  # fmt: skip
    assert stored_run(folder, "2").data.all == wanted


# SPEC 7.4-3
def test_a_step_that_is_gone_is_left_out_and_what_followed_it_is_made_anew(folder):
    succeeded(folder)
    text = FLOW.replace("self.next(self.left, self.right)", "self.next(self.right)")
    text = text.replace("    @step\n    def left(self):", "    def left(self):")
    text = text.replace('self.side = "left"\n        self.next(self.join)', 'self.side = "left"').replace(
        "def join(self, inputs):", "def join(self):"
    )
    text = text.replace("[one.side for one in inputs]", "[self.side]")
    text = text.replace('self.merge_artifacts(inputs, include=["all", "seen"])', "pass")
    folder.file(text)

    done = resume(folder, "--json")

    assert [step for step, _ in executed(done)] == ["outer_join", "right", "join", "end"]
    assert stored_run(folder, "2").data.sides == ["right"]
    assert "left" not in stored_run(folder, "2")


# SPEC 7.4-3
def test_a_step_with_another_name_is_a_new_step(folder):
    succeeded(folder)
    folder.file(FLOW.replace("outer_join", "gathered"))

    done = resume(folder, "--json")

    again = [step for step, _ in executed(done)]
    assert again == ["inner_join", "inner_join", "inner_join", "gathered", "left", "right", "join", "end"]
    assert stored_run(folder, "2").data.all == MADE


# SPEC 7.4-3
@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["lefty"], "Did you mean `left`"),
        (["nowhere"], "`start`, `outer`, `inner`"),
        (["left", "right"], "unexpected extra argument"),
        (["--origin-run-id", "9"], "no run `9`"),
        (["--origin-run-id", "Other/1"], "no run"),
        (["--run-id", "7"], "numbers are given by Stepwell itself"),
        (["--alpha", "many"], "alpha"),
        (["--clone-only", "--run-id", "no/slash"], "letters, digits"),
    ],
)
def test_what_cannot_be_resumed_is_said_before_anything_runs(folder, args, said):
    failed(folder, "join")

    done = resume(folder, *args)

    assert done.returncode == 2, words(done)
    assert said in done.stderr.replace("\n", " ")
    assert folder.states() == ["failed"]


# SPEC 7.4-3
def test_without_an_earlier_run_it_says_how_to_start_one(folder):
    folder.file(FLOW)

    done = resume(folder)

    assert done.returncode == 2, words(done)
    assert "no run of F by tester" in done.stderr and "python flow.py run" in done.stderr


# SPEC 7.4-3
def test_a_run_of_another_flow_is_refused(folder):
    failed(folder, "join")
    folder.flow(name="other.py")

    done = folder.call("other.py", "resume", "--origin-run-id", "1")

    assert done.returncode == 2, words(done)
    assert folder.states() == ["failed"]


# SPEC 7.4-4
def test_another_user_s_run_can_be_gone_on_from_and_the_new_run_is_one_s_own(folder, monkeypatch):
    monkeypatch.setenv("STEPWELL_USER", "somebody")
    failed(folder, "join")
    monkeypatch.setenv("STEPWELL_USER", "tester")
    assert resume(folder).returncode == 2

    done = resume(folder, "--origin-run-id", "1")

    assert done.returncode == 0, words(done)
    run = stored_run(folder, "2")
    assert run.data.all == MADE
    assert "user:tester" in run.system_tags and "user:somebody" not in run.tags
    assert [found.id for found in Flow("F", scope(folder)).runs("user:tester")] == ["2"]


# SPEC 7.4-4
def test_a_resumed_run_can_be_resumed_and_its_tasks_lead_to_where_they_ran(folder):
    folder.file(FLOW)
    assert folder.run("--keep-going", env={**os.environ, "FAIL": "b1"}).returncode == 1
    assert resume(folder, env={**os.environ, "FAIL": "left"}).returncode == 1
    assert resume(folder, env={**os.environ, "FAIL": "join"}).returncode == 1

    done = resume(folder, "--json")

    assert {step for step, _ in executed(done)} == {"join", "end"}
    run = stored_run(folder, "4")
    assert run.data.all == MADE and run.data.sides == ["left", "right"]
    origins = {task.origin_pathspec.split("/")[1] for task in tasks_of(run).values() if task.origin_pathspec}
    assert origins == {"1", "2", "3"}
    assert all(
        task.metadata_dict["origin-run-id"] == task.origin_pathspec.split("/")[1]
        for task in tasks_of(run).values()
        if task.origin_pathspec
    )
    ids = [task.id for task in tasks_of(run).values()]
    assert len(set(ids)) == len(ids)


# SPEC 7.4-4
# SPEC 7.3-1
def test_a_resumed_run_that_failed_can_be_continued(folder):
    failed(folder, "join")
    assert resume(folder, env={**os.environ, "FAIL": "join"}).returncode == 1

    done = folder.call("flow.py", "continue", "--json")

    assert executed(done) == [("join", ()), ("end", ())]
    run = stored_run(folder, "2")
    assert run.successful and run.data.all == MADE
    assert states_of(run)["inner"] == ["reused"] * 6
    assert run["inner"].task.origin_pathspec.startswith("F/1/inner/")
    assert run["join"].task.metadata_dict["origin-run-id"] == "1"
    (reused,) = [e for e in of_kind(events_of(done), "step_reused") if e["step"] == "inner"]
    assert reused["origin"] == "1"


# SPEC 7.4-4
def test_a_lost_resumed_run_can_be_continued(folder, mark):
    failed(folder, "join")
    folder.file(HANGING)
    process = begin(folder, "resume", env={**os.environ, "HANG": "1"})
    until((folder.path / "hangs").exists, "the join hangs")
    process.kill()
    process.wait()
    nothing_left(mark)

    done = folder.call("flow.py", "continue", "2", "--json")

    assert executed(done) == [("join", ()), ("end", ())]
    assert stored_run(folder, "2").data.all == MADE


# SPEC 7.4-4
def test_a_successful_origin_gives_a_successful_run_without_executing_anything(folder):
    succeeded(folder)

    done = resume(folder, "--json")

    assert executed(done) == []
    run = stored_run(folder, "2")
    assert run.successful and run.data.all == MADE
    assert set(state for states in states_of(run).values() for state in states) == {"reused"}
    assert [found.id for found in Flow("F", scope(folder))] == ["2", "1"]
    assert Flow("F", scope(folder)).latest_successful_run.id == "2"


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
