"""Results of equal tasks of earlier runs are taken, without a process."""

import json
import os
import shutil

import pytest
from cached_flow import ALL, FLOW, became, ran, write
from command_line import Folder, words
from stored_runs import events_of, of_kind, scope, states_of, stored_run, stored_task, values_of

from stepwell.client.objects import Flow


@pytest.fixture(scope="module")
def twice(tmp_path_factory):
    """A folder in which the flow has run twice; the second run has another unrelated parameter."""
    folder = Folder(tmp_path_factory.mktemp("twice"))
    write(folder)
    first = folder.run("--json")
    second = folder.run("--json", "--unrelated", "7")
    assert first.returncode == second.returncode == 0, words(first) + words(second)
    return folder, first, second


# SPEC 7.5-1
# SPEC 7.5-3
def test_tasks_that_read_the_same_take_the_result_and_no_process_is_started(twice):
    _, first, second = twice

    assert became(first) == {"executed": sorted(["end/6", "start/1", *ALL]), "cached": []}
    assert became(second) == {"executed": ["end/6", "start/1"], "cached": ALL}


def test_a_cached_run_has_the_values_that_executing_it_would_have_given(twice):
    folder, _, _ = twice

    cached = values_of(stored_run(folder, "2"))
    executed = values_of(stored_run(folder, "1"))

    for values in executed.values():  # what is passed on is that of the new run
        values.update({name: 7 for name in ("unrelated", "other") if name in values})
    assert cached == executed


# SPEC 12.4-2
def test_the_state_is_cached_and_the_task_names_its_origin(twice):
    folder, _, second = twice

    assert states_of(stored_run(folder, "2"))["work"] == ["cached"] * 3
    task = stored_task(folder, "2/work/3")
    assert task.origin_pathspec == "F/1/work/3"
    assert task.metadata_dict["origin-run-id"] == "1"
    assert task.metadata_dict["origin-task-id"] == "3"
    assert task.successful
    assert task.finished
    assert of_kind(events_of(second), "run_ended")[0]["counts"] == {"cached": 4, "succeeded": 2}


def test_logs_and_facts_are_those_of_the_origin(twice):
    folder, _, _ = twice

    assert stored_task(folder, "2/work/3").stdout == "working on 1\n"
    assert stored_task(folder, "2/join/5").stderr == "joining\n"
    assert stored_task(folder, "2/work/3").facts == {"item": 1}
    said = folder.call("flow.py", "logs", "2/work")
    assert said.stdout.splitlines() == ["working on 0", "working on 1", "working on 2"]


def test_large_values_are_not_stored_again(twice):
    folder, _, _ = twice

    blobs = [file for file in (folder.root / "blobs").rglob("*") if file.is_file()]
    assert sum(file.stat().st_size >= 100_000 for file in blobs) == 1
    runs = folder.root / "runs" / "F" / "0" / "2"
    assert sum(file.stat().st_size for file in runs.rglob("*") if file.is_file()) < 50_000


def test_show_tells_what_is_cached_and_from_where(twice):
    folder, _, _ = twice

    run = folder.call("flow.py", "show", "2").stdout
    task = folder.call("flow.py", "show", "2/work/3").stdout

    assert "work: 3 cached" in run
    assert "cached    from F/1/work/3" in task
    assert "value = 31" in task


def test_the_plain_view_has_a_line_for_each_cached_task_and_counts_them(twice):
    folder, _, _ = twice

    done = folder.run()

    assert "task cached for item [1] 1: its result is that of 1/work/3" in words(done)
    assert "tasks: 4 cached, 2 succeeded" in words(done)


# SPEC 12.4-3
def test_the_index_made_anew_has_cached_tasks_as_they_were(twice, tmp_path):
    folder, _, _ = twice
    copy = Folder(tmp_path / "copy")
    shutil.copytree(folder.path, copy.path)
    (copy.root / "metadata.db").unlink()

    done = copy.call("-m", "stepwell", "reindex")

    assert done.returncode == 0, words(done)
    assert states_of(stored_run(copy, "2")) == states_of(stored_run(folder, "2"))
    assert stored_task(copy, "2/work/3").origin_pathspec == "F/1/work/3"
    assert ran(copy)["cached"] == ALL, "the cache itself does not lie in the index"


def test_a_result_of_which_anything_is_missing_is_not_taken(twice, tmp_path):
    folder, _, _ = twice
    copy = Folder(tmp_path / "copy")
    shutil.copytree(folder.path, copy.path)
    for pack in (copy.root / "runs/F/0/1/packs/work/0").iterdir():
        if pack.name == "2":
            pack.unlink()
        elif pack.name == "3":
            pack.write_bytes(pack.read_bytes()[:-1] + b"?")
    for number in range(2, 20):  # tasks that took the result have all of it but the large value
        shutil.rmtree(copy.root / f"runs/F/0/{number}", ignore_errors=True)

    assert ran(copy)["cached"] == ["join/5", "work/4"]
    for blob in (copy.root / "blobs").rglob("*"):
        if blob.is_file() and blob.stat().st_size >= 100_000:
            blob.unlink()
    assert "work/2" in ran(copy)["executed"]
    assert ran(copy)["cached"] == ALL, "the value is there again"


def test_resume_and_continue_know_cached_tasks_as_results(folder):
    flow = FLOW.replace(
        "print(self.values, self.other", 'assert "GOOD" in os.environ; print(self.values, self.other'
    )
    write(folder, flow)
    assert folder.run().returncode == 1
    assert folder.run().returncode == 1

    again = folder.call("flow.py", "continue", "--json", env={**os.environ, "GOOD": "1"})
    assert again.returncode == 0, words(again)
    assert became(again)["executed"] == ["end/6"]
    assert states_of(stored_run(folder, "2"))["work"] == ["cached"] * 3

    resumed = folder.call("flow.py", "resume", "end", "--json", env={**os.environ, "GOOD": "1"})
    assert resumed.returncode == 0, words(resumed)
    assert states_of(stored_run(folder, "3"))["work"] == ["reused"] * 3
    assert stored_task(folder, "3/work/3").stdout == "working on 1\n", "read through to where it ran"


# SPEC 7.5-1
def test_options_of_the_command_switch_the_cache_on_off_and_anew(folder):
    write(folder, work="@cache(enabled=False)")
    ran(folder, "--cache")

    assert ran(folder, "--cache")["cached"] == ["end/6", "join/5", "start/1"], "but not what is opted out"
    assert ran(folder)["cached"] == ["join/5"]
    assert ran(folder, "--no-cache")["cached"] == []
    assert ran(folder, "--no-cache", "--with", "cache")["cached"] == []
    assert ran(folder, "--no-cache", env={**os.environ, "STEPWELL_WITH": "cache"})["cached"] == []
    refreshed = ran(folder, "--refresh-cache")
    assert refreshed["cached"] == []
    done = folder.run("--json")
    origins = {event["key"][2]: event["origin"][1] for event in of_kind(events_of(done), "task_cached")}
    assert origins == {"join": "7"}, "what was computed anew is taken from now on"


# SPEC 6.2-8
def test_it_can_be_attached_from_outside(folder):
    write(folder, work="")
    spec = 'cache:version=2,ignore=["bias"],expires=7d,scope=user,wait=true'
    ran(folder, "--with", spec)

    assert ran(folder, "--with", spec, "--bias", "9")["cached"] == ["end/6", "join/5", "start/1", *ALL[1:]]
    assert ran(folder, "--with", "cache:version=3")["cached"] == ["join/5"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--cache", "--no-cache"], "--no-cache and --cache contradict each other: omit one."),
        (["--refresh-cache", "--no-cache"], "--no-cache and --refresh-cache contradict each other"),
        (["--with", "cache:scope=everybody"], "`scope` must be 'user', 'project' or 'all'"),
        (["--with", "cache:expires=soon"], "`expires` must be an age such as"),
        (["--with", "cache:ignore=3"], "`ignore` must be a list of names"),
    ],
)
def test_what_cannot_be_meant_is_refused(folder, options, said):
    write(folder, work="")

    done = folder.run(*options)

    assert done.returncode == 2
    assert said in words(done)


def test_a_foreach_that_was_cached_opens_as_many_branches(folder):
    write(folder)
    ran(folder, "--cache")

    again = ran(folder, "--cache")

    assert again == {"executed": [], "cached": ["end/6", "join/5", "start/1", "work/2", "work/3", "work/4"]}
    assert [task.data.values for task in Flow("F", at=scope(folder)).latest_run["join"]] == [[1, 31, 61]]


def test_in_every_isolation_the_cache_is_the_same(folder):
    write(folder)
    ran(folder, "--isolation", "inline")

    assert ran(folder, "--isolation", "spawn")["cached"] == ALL


def test_events_name_the_origin_as_json(twice):
    _, _, second = twice

    event = of_kind(events_of(second), "task_cached")[0]

    assert json.dumps(event["origin"]) == '["F", "1", "work", "2"]'
    assert event["label"] == "0"
