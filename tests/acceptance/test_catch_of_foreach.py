"""`@catch(default=...)` on a step that opens a foreach."""

import pytest
from command_line import words
from stored_runs import stored_run

OPENER = """
import os, signal
from stepwell import FlowSpec, catch, step

def throw(error):
    raise error

class F(FlowSpec):
    @catch(var="failure", default=DEFAULT)
    @step
    def start(self):
        self.set_before = 1
        HOW
        self.next(self.work, foreach=[7, 8, 9])

    @step
    def work(self):
        self.got = self.input
        self.next(self.join)

    @step
    def join(self, inputs):
        self.all = [one.got for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    F()
"""


# SPEC 6.1-8
@pytest.mark.parametrize(
    ("how", "default", "found"),
    [
        ("throw(ValueError('odd'))", "['a', 'b']", ["a", "b"]),
        ("throw(ValueError('odd'))", "[]", []),
        ("os.kill(os.getpid(), signal.SIGKILL)", "range(2)", [0, 1]),
        ("pass", "['a', 'b']", [7, 8, 9]),
    ],
    ids=["raised", "empty", "killed", "all is well"],
)
def test_a_caught_foreach_split_goes_on_with_the_items_of_default(folder, how, default, found):
    folder.file(OPENER.replace("DEFAULT", default).replace("HOW", how))

    done = folder.run()

    assert done.returncode == 0, words(done)
    run = stored_run(folder)
    assert run["join"].task.data.all == found
    assert (run["start"].task.data.failure is None) == (how == "pass")


# SPEC 6.1-8
@pytest.mark.parametrize(
    ("source", "told"),
    [
        (OPENER.replace("DEFAULT", "7").replace("HOW", "pass"), "`default` must be a list of items"),
        (OPENER.replace("DEFAULT", "[]").replace(", foreach=[7, 8, 9]", ""), "opens no foreach"),
    ],
)
def test_a_default_that_stands_for_nothing_is_refused(folder, source, told):
    folder.file(source.replace("join(self, inputs)", "join(self)") if "opens no" in told else source)

    done = folder.call("flow.py", "check")

    assert done.returncode == 2
    assert told in words(done)
