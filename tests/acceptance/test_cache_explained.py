"""Why a task of a cached step took the result of another, or none."""

import os
import shutil

import pytest
from cached_flow import FLOW, LIBRARY, ran, write
from command_line import Folder, words

from stepwell.client.cache_explained import CacheExplained
from stepwell.model.ids import TaskKey
from stepwell.wiring.stores import open_stores


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    folder = Folder(tmp_path_factory.mktemp("once"))
    write(folder)
    ran(folder)
    return folder


@pytest.fixture
def filled(once, tmp_path):
    """A folder in which the flow has run once."""
    shutil.copytree(once.path, tmp_path / "filled")
    return Folder(tmp_path / "filled")


def decision(folder, address):
    stores = open_stores(str(folder.root))
    key = TaskKey("F", *address.split("/"))
    task = stores.metadata.task(key.flow, key.run, key.step, key.task)
    return CacheExplained(stores.datastore, stores.metadata).decision(task)


def after(folder, *options, **change):
    """Run the flow, changed; return the id of the run."""
    write(folder, **change)
    ran(folder, *options)
    return str(len(folder.states()))


# SPEC 7.5-5
def test_a_hit_names_the_task_the_key_and_what_was_read(filled):
    run = after(filled)

    found = decision(filled, f"{run}/work/3")

    assert found.is_cached
    assert found.reasons[0].startswith("its result is that of F/1/work/3, of ")
    assert "Python cpython 3." in found.reasons[1]
    assert "foreach item is equal: [1] 1" in found.reasons
    assert "self.bias is equal: 1" in found.reasons
    assert "every input.value is equal: 1, 31, 61" in decision(filled, f"{run}/join/5").reasons


@pytest.mark.parametrize(
    ("options", "change", "said"),
    [
        (["--bias", "2"], {}, "self.bias was 1, is 2"),
        ([], {"work": '@cache(version="b")'}, "version was not there, is b"),
        ([], {"library": LIBRARY.replace("10 * x", "11 * x")}, "function scale in library.py is another"),
        ([], {"flow": FLOW.replace("FACTOR = 3", "FACTOR = 4")}, "constant FACTOR in flow.py is another"),
    ],
)
def test_a_miss_names_the_nearest_task_and_what_differs(filled, options, change, said):
    run = after(filled, *options, **change)

    found = decision(filled, f"{run}/work/3")

    assert not found.is_cached
    assert found.reasons[0] == "nearest in the cache is F/1/work/3"
    assert said in found.reasons


def test_of_changed_code_the_source_is_compared(filled):
    run = after(filled, library=LIBRARY.replace("10 * x", "12 * x"))

    changed = decision(filled, f"{run}/work/3").changes

    assert [one.part for one in changed] == ["function scale in library.py"]
    assert "-    return 10 * x" in changed[0].diff
    assert "+    return 12 * x" in changed[0].diff


def test_an_equal_result_that_was_not_taken_is_named_with_the_reason(folder):
    write(folder)
    ran(folder)
    refreshed = after(folder, "--refresh-cache")
    expired = after(folder, work="@cache(expires=0.001)")
    write(folder, work='@cache(scope="user")')
    ran(folder, env={**os.environ, "STEPWELL_USER": "bob"})

    assert "--refresh-cache" in decision(folder, f"{refreshed}/work/3").reasons[0]
    assert decision(folder, f"{expired}/work/3").reasons[0].endswith("it is older than `expires` allows")
    assert "of user tester, and `scope` is 'user'" in decision(folder, "4/work/3").reasons[0]
    assert decision(folder, "1/work/3").reasons[0] == "no earlier task of the step is in the cache"
    assert decision(folder, "1/start/1") is None


def test_show_tells_the_decision_with_the_diff(filled):
    run = after(filled, library=LIBRARY.replace("10 * x", "13 * x"))

    shown = filled.call("flow.py", "show", f"{run}/work/3").stdout

    assert "  cache     nearest in the cache is F/1/work/3\n" in shown
    assert "  cache     function scale in library.py is another\n" in shown
    assert "    +    return 13 * x\n" in shown


# SPEC 7.5-4
def test_a_cached_step_that_reads_what_is_another_in_each_run_gets_a_warning(folder):
    write(folder, FLOW.replace('print("working on", self.input)', "print(current.run_id, time.time())"))

    said = words(folder.run())

    assert "Step 'work' is cached and reads what is another in each run: `current.run_id` (flow.py:" in said
    assert "`time.time` (flow.py:" in said
    assert said.count("another in each run") == 1


# SPEC 7.5-5
def test_why_tells_of_hits_and_misses(filled):
    hit = after(filled)
    miss = after(filled, "--bias", "7")

    told = words(filled.call("flow.py", "why", f"{hit}/work/3"))
    assert f"Task F/{hit}/work/3 was cached:" in told and "its result is that of F/1/work/3" in told

    told = words(filled.call("flow.py", "why", f"{miss}/work/3"))
    assert f"Task F/{miss}/work/3 was executed:" in told
    assert "nearest in the cache is F/1/work/3" in told and "self.bias was 1, is 7" in told


# SPEC 7.5-5
def test_why_tells_of_many_hits_and_misses_together_with_an_instance(folder):
    write(folder)
    ran(folder, "--n", "10")
    part = after(folder, "--n", "24")
    miss = after(folder, "--n", "24", library=LIBRARY.replace("10 * x", "14 * x"))

    hits, missed = words(folder.call("flow.py", "why", f"{part}/work")).split("Tasks ")[1:]
    assert f"and 5 more of F/{part}/work were cached:" in hits
    assert "an equal task of run 1 had a result" in hits
    assert "for instance task 2: its result is that of F/1/work/2" in hits
    assert f"and 9 more of F/{part}/work were executed:" in missed
    assert "nothing was taken from the cache" in missed and "foreach item, or branches of the join" in missed

    told = words(folder.call("flow.py", "why", f"{miss}/work"))
    assert told.count("Tasks ") == 1 and f"and 19 more of F/{miss}/work were executed:" in told
    assert f"for instance task 2: nearest in the cache is F/{part}/work/2" in told or "F/1/work/2" in told
    assert "    function scale in library.py is another" in told
    assert f"--- library.py:2 (run 1)\n    +++ library.py:2 (run {miss})" in told
    assert "+    return 14 * x" in told
