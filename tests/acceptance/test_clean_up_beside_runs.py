"""A collection is safe beside runs that begin, go on, are resumed and continued; and when it is killed."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from command_line import Folder, words
from stored_runs import scope, stored_run, values_of

from stepwell.client.objects import Flow
from stepwell.datastore.datastore import Datastore
from stepwell.storages.local import LocalStorage
from stepwell.upkeep.verify import Verified, verify

COLLECTING = str(Path(__file__).with_name("collecting.py"))

FLOW = """
import os, time
from stepwell import FlowSpec, Parameter, cache, retry, step

class F(FlowSpec):
    number = Parameter("number", default=0)
    fail = Parameter("fail", default=False)

    @step
    def start(self):
        # Some values are those of other runs, so that they are stored already.
        self.shared = bytes([self.number % 3]) * 30_000
        self.own = b"%d" % self.number * 10_000
        self.items = [bytes([n]) * 20_000 for n in range(4)]
        self.next(self.work, foreach="items")

    @cache
    @step
    def work(self):
        self.out = self.input + self.shared
        self.next(self.join)

    @step
    def join(self, inputs):
        self.all = [one.out for one in inputs]
        self.merge_artifacts(inputs, include=["shared", "own"])
        self.next(self.last)

    @step
    def last(self):
        if self.fail and not os.path.exists(f"go-on-{self.number}"):
            raise ValueError("as asked")
        self.done = self.shared + self.own
        self.next(self.end)

    @step
    def end(self):
        assert self.done == bytes([self.number % 3]) * 30_000 + b"%d" % self.number * 10_000

if __name__ == "__main__":
    F()
"""


@pytest.fixture
def folder(tmp_path):
    folder = Folder(tmp_path)
    folder.file(FLOW)
    return folder


def expected(number):
    """Return what the last step of a run had."""
    shared, own = bytes([number % 3]) * 30_000, b"%d" % number * 10_000
    return {
        "shared": shared,
        "own": own,
        "all": [bytes([n]) * 20_000 + shared for n in range(4)],
        "done": shared + own,
    }


class Users:
    """Several who run, continue and resume flows; each notes what went wrong."""

    def __init__(self, folder, times):
        self.folder = folder
        self.times = times
        self.wrong = []
        self._number = 0
        self._lock = threading.Lock()

    def number(self):
        with self._lock:
            self._number += 1
            return self._number

    def work(self, what):
        for _ in range(self.times):
            what(self.number())

    def run(self, number):
        self.call("run", "--number", number)

    def resume(self, number):
        """Fail, and resume; somebody may have deleted the failed run meanwhile, and that is said."""
        run = self.failed(number)
        (self.folder.path / f"go-on-{number}").touch()
        self.call("resume", "--origin-run-id", run, may_be_gone=True)

    def go_on(self, number):
        run = self.failed(number)
        (self.folder.path / f"go-on-{number}").touch()
        self.call("continue", run, may_be_gone=True)

    def failed(self, number):
        file = self.folder.path / f"id-{number}"
        self.call("run", "--fail", 1, "--number", number, "--run-id-file", file, codes=(1,))
        return file.read_text()

    def call(self, *args, codes=(0,), may_be_gone=False):
        done = self.folder.call("flow.py", *map(str, args))
        text = words(done)
        gone = may_be_gone and done.returncode == 2 and ("no run" in text or "been deleted" in text)
        if done.returncode not in codes and not gone:
            self.wrong.append((args, done.returncode, text))


def collect_beside(folder, times, keep, grace_s):
    """Collect again and again while several users work; return them, and how often and much was collected."""
    users = Users(folder, times)
    for _ in range(keep + 1):  # one of them, and what is old of the others, may go at once
        users.run(users.number())
    for file in folder.root.glob("blobs/*/*/*"):
        os.utime(file, (0, 0))
    threads = [
        threading.Thread(target=users.work, args=(it,)) for it in (users.run, users.resume, users.go_on)
    ]
    command = [sys.executable, COLLECTING, str(folder.root), str(keep), str(grace_s)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as collecting:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        said, _ = collecting.communicate("stop", timeout=60)
    assert collecting.returncode == 0
    rounds, freed = map(int, said.split())
    return users, rounds, freed


def check_kept_runs(folder):
    """Read every value of every run that is there; return how many there are."""
    kept = 0
    for run in Flow("F", scope(folder)):
        kept += 1
        number = run["start"].task["number"].data
        if run.successful:
            (last,) = run["last"]
            assert {name: last[name].data for name in expected(number)} == expected(number)
        values_of(run)
    done = folder.call("-m", "stepwell", "doctor", "--datastore")
    assert done.returncode == 0, words(done)
    return kept


# SPEC 12.5-1
def test_no_value_is_lost_while_collections_go_on_beside_runs_that_are_resumed_and_continued(folder):
    users, rounds, freed = collect_beside(folder, times=2, keep=3, grace_s=10.0)

    assert users.wrong == []
    assert rounds > 3 and freed > 0
    assert check_kept_runs(folder) >= 3


# SPEC 12.5-1
@pytest.mark.slow
def test_no_value_is_lost_in_a_minute_of_collections_with_the_shortest_grace(folder):
    users, rounds, freed = collect_beside(folder, times=30, keep=2, grace_s=10.0)

    assert users.wrong == []
    assert rounds > 20 and freed > 1_000_000
    assert check_kept_runs(folder) >= 2


# SPEC 12.5-1
def test_a_collection_that_is_killed_at_any_point_leaves_kept_runs_whole(folder):
    for number in (0, 1):
        assert folder.run("--number", str(number)).returncode == 0
    assert folder.run("--number", "2", "--fail", "1").returncode == 1
    (folder.path / "go-on-2").touch()
    assert folder.call("flow.py", "resume", "--origin-run-id", "3").returncode == 0
    before = values_of(stored_run(folder, "4"))
    killed = 0
    # Each goes on where the one before was killed: so it is killed at ever later points of the whole.
    for at in (2, 4, 3, 7, 11, 20, 4, 12, 3, 2):
        command = [sys.executable, COLLECTING, str(folder.root), "1", "0", str(at)]
        done = subprocess.run(command, timeout=60, capture_output=True, text=True)
        assert done.returncode in (0, -9), done.stderr
        killed += done.returncode == -9
        assert values_of(stored_run(folder, "4")) == before
        assert list(verify(Datastore(LocalStorage(folder.root)), None, Verified())) == []

    assert killed >= 6
    subprocess.run(
        [sys.executable, COLLECTING, str(folder.root), "1", "0"], input="stop", text=True, check=True
    )
    assert values_of(stored_run(folder, "4")) == before
    assert [run.id for run in Flow("F", scope(folder))] == ["4"]
    assert not list(folder.root.glob("index/0/[12]*"))
