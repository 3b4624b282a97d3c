"""A flow with a foreach in a foreach, and a static split, whose tasks fail, die and hang as they are told."""

import os

from command_line import Folder, words

FLOW = """
import os, signal, sys, time
from stepwell import FlowSpec, Parameter, catch, current, retry, step

def throw(error):
    raise error

class F(FlowSpec):
    alpha = Parameter("alpha", default=1)
    constant = "as it was"

    @step
    def start(self):
        self.items = ["a", "b", "c"]
        self.next(self.outer, foreach="items")

    @step
    def outer(self):
        self.name_of_outer = self.input
        self.numbers = list(range(self.index + 1))
        self.next(self.inner, foreach="numbers")

    @step
    def inner(self):
        self.made = f"{self.name_of_outer}{self.input}"
        if self.made in os.environ.get("FAIL", ""):
            throw(ValueError(f"as asked in {self.made}"))
        if self.made == os.environ.get("KILL"):
            os.kill(os.getpid(), signal.SIGKILL)
        if self.made == os.environ.get("HANG"):
            open("hangs", "w").close()
            time.sleep(600)
        self.next(self.inner_join)

    @step
    def inner_join(self, inputs):
        self.made = [one.made for one in inputs]
        self.merge_artifacts(inputs, exclude=["made"])
        self.next(self.outer_join)

    @step
    def outer_join(self, inputs):
        self.all = [one.made for one in inputs]
        self.next(self.left, self.right)

    @step
    def left(self):
        self.attempt_of_left = current.retry_count
        if "left" in os.environ.get("FAIL", ""):
            throw(ValueError("as asked"))
        self.side = "left"
        self.next(self.join)

    @step
    def right(self):
        self.side = "right"
        self.seen = (self.alpha, self.constant)
        self.next(self.join)

    @step
    def join(self, inputs):
        self.sides = [one.side for one in inputs]
        self.merge_artifacts(inputs, include=["all", "seen"])
        if "join" in os.environ.get("FAIL", ""):
            throw(ValueError("as asked"))
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    F()
"""

MADE = [["a0"], ["b0", "b1"], ["c0", "c1", "c2"]]


def failed(folder: Folder, fail: str, *options: str) -> None:
    """Leave a run that failed at one place."""
    folder.file(FLOW)
    done = folder.run(*options, env={**os.environ, "FAIL": fail})
    assert done.returncode == 1, words(done)
