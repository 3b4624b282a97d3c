"""Kill anything at any instant: `continue` leads to the artifacts of a run that nobody disturbed."""

from collections import Counter

import pytest
from graphs import GRAPHS
from injection import INSIDE, VICTIMS, KillAfter, KillAtPack, KillAtTouch
from stored_runs import stored_run

pytestmark = pytest.mark.faults

COMMANDS = {"run": ("run",), "resume": ("resume", "work", "--origin-run-id", "1")}


def touches_of(trial, *args):
    """Return how often each process of a command touches the datastore."""
    trace = trial.folder.path / "trace"
    code, said = trial.call(*args, PYTHONPATH=INSIDE, FAULT_TRACE=str(trace))
    assert code == 0, said
    return Counter(trace.read_text().split())


# SPEC 7.3-4
@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("command", COMMANDS)
def test_a_run_that_is_killed_before_any_touch_of_the_datastore_goes_on(trial, command, part):
    trial.prepare("small")
    last = touches_of(trial, *COMMANDS[command])["run"]

    for touch in range(1 + part, last + 1, 4):
        known = trial.runs()
        assert trial.disturb(*COMMANDS[command], fault=KillAtTouch("run", touch))
        if trial.runs() != known:
            trial.go_on()
            if command == "resume":
                assert stored_run(trial.folder, trial.runs()[0])["start"].task.status == "reused"


# SPEC 7.3-4
@pytest.mark.parametrize("part", range(3))
def test_a_continue_that_is_killed_before_any_touch_of_the_datastore_is_continued(trial, part):
    trial.prepare("small")
    trial.disturb("run", fault=KillAtTouch("task3", 3))
    last = touches_of(trial, "continue")["run"]

    for touch in range(1 + part, last + 1, 3):
        assert trial.disturb("run", fault=KillAtTouch("task3", 3))
        assert trial.disturb("continue", fault=KillAtTouch("run", touch))
        trial.go_on()


# SPEC 7.3-4
@pytest.mark.parametrize("task", range(1, 6))
def test_a_task_that_is_killed_before_any_touch_of_the_datastore_is_done_again(trial, task):
    trial.prepare("small")
    last = touches_of(trial, "run")[f"task{task}"]

    for touch in range(1, last + 1):
        if trial.disturb("run", "--max-workers", "1", fault=KillAtTouch(f"task{task}", touch)):
            trial.go_on()


# SPEC 7.3-4
# SPEC 7.4-6
# SPEC 2.4-10, 2.6-4
@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.parametrize("graph", GRAPHS)
def test_whatever_is_killed_whenever_nothing_is_lost_and_nothing_is_wrong(trial, chance, graph, victim):
    trial.prepare(graph)

    for kills in (1, 2, 3):
        args = ["run"] if chance.random() < 0.7 else ["resume", "--origin-run-id", "1", "end"]
        known = trial.runs()
        for _ in range(kills):
            fault = (
                KillAfter(chance.uniform(0.02, 1.1 * trial.duration_s), victim)
                if chance.random() < 0.6
                else KillAtPack(chance.randint(1, 6), victim)
            )
            struck = trial.disturb(*args, fault=fault)
            if not struck or trial.runs() == known:
                break
            args = ["continue"]
        if trial.runs() != known and struck:
            trial.go_on()


# SPEC 7.3-4
@pytest.mark.parametrize("isolation", ["spawn", "inline"])
def test_so_does_a_run_whose_tasks_are_set_apart_in_another_way(trial, isolation):
    trial.prepare("chain")

    for packs in range(1, 7):
        if trial.disturb("run", "--isolation", isolation, fault=KillAtPack(packs, "run")):
            trial.go_on()
