"""A new run that reuses results of an earlier one, by reference."""

import json
import os

import pytest
from command_line import nothing_left, until, words
from nested_flow import FLOW, MADE, failed
from stored_runs import (
    begun,
    events_of,
    stored_run,
    stored_task,
    tasks_of,
    values_of,
)

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
        (["left", "right"], "is too much"),
        (["--origin-run-id", "9"], "no run `F/9`"),
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
    assert "no run of F" in done.stderr and "python flow.py run" in done.stderr


# SPEC 7.4-3
def test_a_run_of_another_flow_is_refused(folder):
    failed(folder, "join")
    folder.flow(name="other.py")

    done = folder.call("other.py", "resume", "--origin-run-id", "1")

    assert done.returncode == 2, words(done)
    assert folder.states() == ["failed"]
