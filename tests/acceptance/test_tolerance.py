"""A foreach that can do without some of its branches."""

import json

import pytest
from command_line import words
from isolations import forked_and_spawned

from stepwell.client import Run
from stepwell.client.scope import Connection, Scope

FLOW = """
import os, signal
from stepwell import FlowSpec, step

class F(FlowSpec):
    @step
    def start(self):
        self.next(self.work, foreach=range(6), min_success={least})

    @step
    def work(self):
        if self.input == 1:
            raise ValueError("one")
        if self.input == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        self.next(self.finish)

    @step
    def finish(self):
        if self.input == 5:
            raise KeyError("five")
        self.value = self.input
        self.next(self.join)

    @step
    def join(self, inputs):
        self.values = [one.value for one in inputs]
        self.failed = [
            (one.index, one.input, one.step, one.pathspec, one.exception.type, one.exception.exception)
            for one in inputs.failed
        ]
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    F()
"""


def run_of(folder, number):
    return Run(f"F/{number}", Scope(Connection(f"local@{folder.root}")))


# SPEC 2.3-9
@pytest.mark.parametrize(
    ("least", "isolation"),
    forked_and_spawned({least: least for least in ("0.5", "3", "0", "0.0", "len('abc')")}, "0.5"),
)
def test_a_run_succeeds_without_the_branches_that_it_can_do_without(folder, least, isolation):
    folder.file(FLOW.format(least=least))

    done = folder.run("--isolation", isolation)

    assert done.returncode == 0, words(done)
    assert run_of(folder, 1).data.values == [0, 2, 4]
    assert "3 failed" in done.stdout


# SPEC 2.3-9
@pytest.mark.parametrize("least", ["0.6", "4", "1.0", "9"])
def test_a_run_fails_as_soon_as_too_few_branches_can_succeed(folder, least):
    folder.file(FLOW.format(least=least))

    done = folder.run("--max-workers", "1")

    assert done.returncode == 1
    assert not any(step.id in ("join", "end") for step in run_of(folder, 1))


# SPEC 2.3-10
def test_the_join_knows_the_branches_that_failed_in_item_order(folder):
    folder.file(FLOW.format(least=0.5))
    folder.run()

    failed = run_of(folder, 1).data.failed

    assert [(index, item, step) for index, item, step, *_ in failed] == [
        (1, 1, "work"),
        (3, 3, "work"),
        (5, 5, "finish"),
    ]
    assert all(path.startswith(f"F/1/{step}/") for _, _, step, path, _, _ in failed)
    assert [(kind, text) for *_, kind, text in failed[::2]] == [
        ("builtins.ValueError", "one"),
        ("builtins.KeyError", "'five'"),
    ]
    assert failed[1][4] == "Signal" and "SIGKILL" in failed[1][5]


# SPEC 2.5-8
def test_a_join_of_which_every_branch_failed_has_no_inputs_and_sees_the_split(folder):
    folder.file(
        FLOW.format(least=0)
        .replace("if self.input == 1:", "if True:")
        .replace("self.next(self.work,", "self.kept = 1\n        self.next(self.work,")
        .replace("self.values = [", "self.merge_artifacts(inputs)\n        self.values = [")
    )

    done = folder.run()

    assert done.returncode == 0, words(done)
    data = run_of(folder, 1).data
    assert (data.values, len(data.failed), data.kept) == ([], 6, 1)


# SPEC 2.3-9
@pytest.mark.parametrize(
    ("least", "said"),
    [("-1", "must not be negative"), ("1.5", "from 0.0 to 1.0"), ("'half'", "a share"), ("True", "a share")],
)
def test_a_share_or_number_that_is_none_is_refused(folder, least, said):
    folder.file(FLOW.format(least=least))

    done = folder.run()

    assert done.returncode == 1
    assert "InvalidNextException" in done.stdout and "`min_success`" in done.stdout and said in done.stdout


# SPEC 2.3-9
def test_it_is_for_a_foreach_only(folder):
    folder.file(FLOW.format(least=1).replace("foreach=range(6), ", ""))

    done = folder.run()

    assert done.returncode == 2
    assert "flow.py:8: step `start`: `min_success` is for a foreach" in words(done)


# SPEC 7.4-4
def test_a_run_that_did_without_branches_is_resumed_without_executing_them_again(folder):
    folder.file(FLOW.format(least=0.5))
    folder.run()

    done = folder.call("flow.py", "resume", "--json")

    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event for event in events if event["event"] == "task_started"] == []
    assert events[-1]["state"] == "succeeded" and run_of(folder, 2).data.values == [0, 2, 4]


# SPEC 7.4-1
def test_branches_that_failed_are_executed_again_when_their_join_is(folder):
    folder.file(FLOW.format(least=0.5))
    folder.run()
    folder.file(FLOW.format(least=0.5).replace("if self.input == 1:", "if self.input == 7:"))

    done = folder.call("flow.py", "resume", "join")

    assert done.returncode == 0, words(done)
    data = run_of(folder, 2).data
    assert data.values == [0, 1, 2, 4]
    assert [path for _, _, _, path, _, _ in data.failed if not path.startswith("F/2/")] == []
