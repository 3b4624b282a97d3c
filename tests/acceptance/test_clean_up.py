"""`rm`, `gc` and `du`, on what real runs have left."""

import json
import os
import time
from contextlib import closing

import pytest
from command_line import Folder, answered_on_terminal, until, words
from stored_runs import place_of, states_of, stored_run, stored_task, values_of

from stepwell.exceptions import StepwellDataMissing, StepwellNotFound
from stepwell.settings.retention import drop_rule
from stepwell.upkeep.collection import Asked, collect
from stepwell.upkeep.live_runs import Here
from stepwell.wiring.stores import open_stores

FLOW = """
import os, time
from stepwell import FlowSpec, Parameter, cache, step

class F(FlowSpec):
    n = Parameter("n", default=1)
    fail = Parameter("fail", default=False)

    @step
    def start(self):
        self.big = bytes([self.n]) * 100_000
        self.small = self.n
        self.items = ["a", "b" * 20_000, "c"]
        self.next(self.work, foreach="items")

    @cache
    @step
    def work(self):
        self.out = self.input[:1].encode() * 20_000
        print("worked on", self.input[:1])
        self.next(self.join)

    @step
    def join(self, inputs):
        self.sizes = [len(one.out) for one in inputs]
        self.merge_artifacts(inputs, include=["big", "small"])
        self.next(self.end)

    @step
    def end(self):
        while os.path.exists("wait"):
            time.sleep(0.01)
        if self.fail:
            raise ValueError("as asked")

if __name__ == "__main__":
    F()
"""
STEPWELL = ("-m", "stepwell")


@pytest.fixture
def folder(tmp_path):
    folder = Folder(tmp_path)
    folder.file(FLOW)
    return folder


def stepwell(folder, *args, **more):
    done = folder.call(*STEPWELL, *args, **more)
    words(done)
    return done


def ran(folder, *options):
    done = folder.run("--no-cache", *options)
    words(done)
    return done


def everything(folder):
    """Return all that is stored."""
    return sorted(
        str(path.relative_to(folder.root))
        for path in folder.root.rglob("*")
        if path.is_file() and not path.name.startswith(("metadata.db", ".gitignore", "clock"))
    )


def collected(folder, **asked):
    """Collect as `gc` does, without the grace for runs that are just beginning: there are none."""
    stores = open_stores(f"local@{folder.root}")
    here = Here("here", time.time())
    with closing(stores.metadata):
        return collect(stores.datastore, stores.metadata, here, Asked(grace_s=0.0, **asked))


def runs_listed(folder):
    return [run["run"] for run in json.loads(stepwell(folder, "runs", "--json").stdout)]


# SPEC 9.4-5 12.5-3
def test_a_deleted_run_is_gone_from_the_index_the_datastore_and_for_good(folder):
    ran(folder)
    ran(folder, "--n", "2")
    before = values_of(stored_run(folder, "2"))

    done = stepwell(folder, "rm", "1", "--yes")

    assert done.returncode == 0
    assert "1 run deleted" in done.stderr
    assert runs_listed(folder) == ["2"]
    assert not list(folder.root.glob("runs/F/0/1")) and not list(folder.root.glob("index/0/1*"))
    assert values_of(stored_run(folder, "2")) == before
    assert stepwell(folder, "doctor", "--datastore").returncode == 0
    stepwell(folder, "reindex")
    assert runs_listed(folder) == ["2"]
    with pytest.raises(StepwellNotFound):
        stored_run(folder, "1")
    ran(folder)
    assert runs_listed(folder) == ["3", "2"], "ids are not handed out again"


# SPEC 12.5-3
def test_what_other_runs_have_taken_over_stays_until_they_are_deleted_too(folder):
    assert folder.run("--fail", "1").returncode == 1
    assert folder.call("flow.py", "resume", "--fail", "0").returncode == 0
    assert folder.run("--n", "1").returncode == 0
    assert states_of(stored_run(folder, "3"))["work"] == ["cached"] * 3
    before = {run: values_of(stored_run(folder, run)) for run in ("2", "3")}
    logs = [stored_task(folder, f"{run}/work/{task}").stdout for run in ("2", "3") for task in (2, 3, 4)]

    assert stepwell(folder, "rm", "1", "--yes").returncode == 0

    assert {run: values_of(stored_run(folder, run)) for run in ("2", "3")} == before
    again = [stored_task(folder, f"{run}/work/{task}").stdout for run in ("2", "3") for task in (2, 3, 4)]
    assert again == logs and all("worked on" in log for log in logs)
    assert stepwell(folder, "doctor", "--datastore").returncode == 0
    assert runs_listed(folder) == ["3", "2"]
    rows = [row["name"] for row in json.loads(stepwell(folder, "du", "F", "--json").stdout)["by"]["run"]]
    assert sorted(rows) == ["F/2", "F/3", "deleted runs that others need"]
    stepwell(folder, "rm", "2", "3", "--yes")
    collected(folder)
    assert [key for key in everything(folder) if not key.startswith("cache/shapes")] == ["stepwell.json"]


# SPEC 12.5-3
def test_a_run_that_goes_on_is_refused_and_goes_on(folder):
    (folder.path / "wait").touch()
    running = folder.begin()
    until(lambda: folder.root.joinpath("runs/F/0/1/packs/join").exists(), "the last step has begun")

    done = stepwell(folder, "rm", "1", "--yes")

    (folder.path / "wait").unlink()
    assert running.wait(30) == 0
    assert done.returncode == 2
    assert "stepwell kill F/1" in done.stderr
    assert states_of(stored_run(folder, "1"))["end"] == ["succeeded"]


# SPEC 12.5-1 12.5-3
def test_nothing_is_removed_unless_somebody_says_yes(folder):
    ran(folder)
    before = everything(folder)

    refused = [stepwell(folder, *command) for command in (("rm", "1"), ("gc", "--keep-last", "0"))]
    dry = [stepwell(folder, *command, "--dry-run") for command in (("rm", "1"), ("gc", "--keep-last", "0"))]
    said_no = answered_on_terminal(folder.path, *STEPWELL, "rm", "1", typed=[("for good?", "n\r")])

    assert [done.returncode for done in refused] == [2, 2]
    assert all("--yes" in done.stderr for done in refused)
    assert [done.returncode for done in dry] == [0, 0]
    assert all("F/1" in done.stdout and "would be freed" in done.stdout for done in dry)
    assert "Nothing is removed" in said_no[0] and said_no[1] == 130
    assert everything(folder) == before
    said_yes = answered_on_terminal(folder.path, *STEPWELL, "rm", "1", typed=[("for good?", "y\r")])
    assert said_yes[1] == 0
    assert runs_listed(folder) == []


# SPEC 12.5-1 12.5-2
@pytest.mark.slow
def test_gc_removes_what_no_run_refers_to_and_runs_beyond_the_rules(folder):
    for number in ("1", "2", "3"):
        ran(folder, "--n", number)
    before = values_of(stored_run(folder, "3"))
    time.sleep(10.1)  # the shortest grace
    drop = ("--drop-artifacts", "join/sizes", "--older-than", "5s")

    done = stepwell(folder, "gc", "--keep-last", "1", *drop, "--yes", "--grace", "10s", "--json")

    found = json.loads(done.stdout)
    assert found["dropped"]["count"] == 1
    with pytest.raises(StepwellDataMissing, match="join/sizes older than 5s"):
        _ = stored_task(folder, "3/end/6").data.sizes
    del before["join", ""]["sizes"], before["end", ""]["sizes"]
    assert found["runs"] == ["F/2", "F/1"]
    assert found["values"]["bytes"] > 200_000
    assert found["freed_bytes"] >= found["values"]["bytes"] + found["of_runs"]["bytes"]
    assert runs_listed(folder) == ["3"]
    for (step, index), values in before.items():
        (task,) = (task for task in stored_run(folder, "3")[step] if place_of(task) == (step, index))
        assert {name: task[name].data for name in values} == values
    report = stepwell(folder, "doctor", "--datastore", "--json")
    assert json.loads(report.stdout)["damaged"] == []
    assert "no task refers to" not in report.stdout
    assert json.loads(stepwell(folder, "du", "--json").stdout)["unreferenced"] == 0
    again = json.loads(stepwell(folder, "gc", "--yes", "--grace", "10s", "--json").stdout)
    assert (again["dry_run"], again["runs"], again["freed_bytes"]) == (False, [], 0)


# SPEC 12.5-1
def test_values_that_are_too_young_stay_and_are_named(folder):
    ran(folder)

    done = stepwell(folder, "rm", "1", "--yes")

    assert list(folder.root.glob("blobs/*/*/*"))
    gc = stepwell(folder, "gc", "--dry-run")
    assert "stays for now" in gc.stdout, (done.stdout, gc.stdout)
    for said in ((), ("--yes",)):  # what is wrong is told before somebody has to say yes
        short = stepwell(folder, "gc", *said, "--grace", "1s")
        assert short.returncode == 2 and "10s" in short.stderr


# SPEC 12.5-2
def test_rules_are_set_once_and_tagged_runs_are_kept_unless_they_are_named(folder):
    for options in (("--tag", "mine"), (), ()):
        ran(folder, *options)
    rules = {"STEPWELL_RETENTION": '{"flows": {"F": {"keep_last": 1}}}'}

    done = stepwell(folder, "gc", "--yes", env={**os.environ, **rules})

    assert "it has the tag mine" in done.stdout
    assert runs_listed(folder) == ["3", "1"]
    old = stepwell(folder, "rm", "--older-than", "0s", "--yes")
    assert "1 older one is kept" in old.stdout
    assert runs_listed(folder) == ["1"]
    assert stepwell(folder, "rm", "1", "--yes").returncode == 0
    assert runs_listed(folder) == []
    wrong = stepwell(folder, "gc", "--yes", env={**os.environ, "STEPWELL_RETENTION": '{"keep": 1}'})
    assert wrong.returncode == 2 and "STEPWELL_RETENTION" in wrong.stderr


# SPEC 12.5-2
def test_a_dropped_artifact_keeps_its_preview_and_says_when_it_was_dropped_and_why(folder):
    ran(folder)
    rules = [drop_rule("start/big", "5s"), drop_rule("start/small", "5s")]

    done = collected(folder, drops={("F", "1"): rules})

    assert done.dropped.count == 2 and done.dropped.bytes > 100_000
    for place, name in (("start/1", "big"), ("end/6", "big"), ("start/1", "small"), ("end/6", "small")):
        artifact = stored_task(folder, f"1/{place}")[name]
        day = time.strftime("%Y-%m-%d")
        with pytest.raises(StepwellDataMissing, match=rf"dropped it on {day}.*start/{name} older than 5s"):
            _ = artifact.data
    shown = stepwell(folder, "dump", "1/start/1").stdout
    assert "b'\\x01\\x01" in shown and "bytes" in shown
    assert stored_task(folder, "1/join/5").data.sizes == [20_000] * 3
    assert stepwell(folder, "doctor", "--datastore").returncode == 0
    assert folder.call("flow.py", "resume", "join", "--origin-run-id", "1").returncode == 0
    assert stored_task(folder, "2/end/12").data.small == 1


# SPEC 12.5-3
def test_du_shows_what_is_stored_and_what_deleting_would_free(folder):
    ran(folder)
    ran(folder)
    ran(folder, "--n", "2")

    by_flow = json.loads(stepwell(folder, "du", "--json").stdout)
    by_run = {
        row["name"]: row for row in json.loads(stepwell(folder, "du", "F", "--json").stdout)["by"]["run"]
    }
    of_run = json.loads(stepwell(folder, "du", "F/3", "--json").stdout)
    text = stepwell(folder, "du", "3").stdout

    on_disk = sum(
        (folder.root / name).stat().st_size for name in everything(folder) if name[:4] in ("blob", "runs")
    )
    (flow,) = by_flow["by"]["flow"]
    assert flow["stored"] == flow["reclaimable"] == by_flow["total"]["stored"] == on_disk
    assert flow["logical"] > flow["stored"]
    assert by_run["F/1"]["stored"] > 100_000 > by_run["F/1"]["reclaimable"], "run 2 has equal values"
    assert by_run["F/3"]["reclaimable"] > 100_000
    assert {row["name"] for row in of_run["by"]["step"]} == {"_parameters", "start", "work", "join", "end"}
    artifacts = {row["name"]: row for row in of_run["by"]["artifact"]}
    assert artifacts["start/big"]["reclaimable"] > 100_000
    assert artifacts["start/small"]["stored"] < 20
    assert {row["name"] for row in of_run["by"]["kind"]} == {"artifacts", "packs", "logs", "code"}
    assert "RECLAIMABLE" in text and "start/big" in text
    before = on_disk
    stepwell(folder, "rm", "3", "--yes")
    collected(folder)
    after = sum(
        (folder.root / name).stat().st_size for name in everything(folder) if name[:4] in ("blob", "runs")
    )
    assert before - after == by_run["F/3"]["reclaimable"]


# SPEC 12.5-1
def test_a_deletion_that_was_cut_short_at_its_very_end_is_finished_without_a_question(folder):
    ran(folder)
    with closing(open_stores(str(folder.root)).metadata) as metadata:
        run = metadata.run("F", "1")
    assert stepwell(folder, "rm", "1", "--yes").returncode == 0
    records = open_stores(str(folder.root)).datastore.run_records
    # As it is when all of the run has gone but its record and the word that it is deleted.
    assert records.claim(run)
    records.delete(run)

    done = stepwell(folder, "gc", "--yes")

    assert done.returncode == 0, words(done)
    assert not list(records.deleted())
    assert records.claim(run), "its id is free again"
