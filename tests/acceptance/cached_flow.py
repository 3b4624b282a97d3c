"""A flow with cached steps, and what became of its tasks."""

import subprocess

from command_line import Folder, words
from stored_runs import events_of, of_kind

FLOW = """
import os, sys, time
from stepwell import FlowSpec, Parameter, cache, current, environment, resources, retry, step, timeout
from library import scale

FACTOR = 3

def helper(x):
    return scale(x) * FACTOR

class F(FlowSpec):
    n = Parameter("n", default=3)
    bias = Parameter("bias", default=1)
    unrelated = Parameter("unrelated", default=0)

    @step
    def start(self):
        self.items = list(range(self.n))
        self.other = self.unrelated
        self.next(self.work, foreach="items")

    {work}
    @step
    def work(self):
        print("working on", self.input)
        self.value = helper(self.input) + self.bias
        self.big = b"x" * 100_000
        current.log(item=self.input)
        self.next(self.join)

    @cache
    @step
    def join(self, inputs):
        print("joining", file=sys.stderr)
        self.values = [one.value for one in inputs]
        self.merge_artifacts(inputs, exclude=["value"])
        self.next(self.end)

    @step
    def end(self):
        print(self.values, self.other, len(self.big))

if __name__ == "__main__":
    F()
"""
LIBRARY = """
def scale(x):
    return 10 * x
"""


def write(folder: Folder, flow: str = FLOW, work: str = "@cache", library: str = LIBRARY) -> None:
    folder.file(flow.replace("{work}", work))
    folder.file(library, "library.py")


def ran(folder: Folder, *options: str, **more: object) -> dict[str, list[str]]:
    """Run the flow; return the ids of tasks by what became of them, as STEP/TASK, in their order."""
    done = folder.run("--json", *options, **more)
    assert done.returncode == 0, words(done)
    return became(done)


def became(done: subprocess.CompletedProcess[str]) -> dict[str, list[str]]:
    events = events_of(done)
    return {
        what: sorted("/".join(event["key"][2:]) for event in of_kind(events, kind))
        for what, kind in (("executed", "task_started"), ("cached", "task_cached"))
    }


ALL = ["join/5", "work/2", "work/3", "work/4"]
"""Tasks of cached steps in a run with three items."""
