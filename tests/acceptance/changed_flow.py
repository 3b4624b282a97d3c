"""A flow whose steps reach code of a second file, and what becomes of it when that code is changed."""

import json
import os

from command_line import Folder, words

FLOW = """
import os
import helpers
from stepwell import FlowSpec, Parameter, step

class F(FlowSpec):
    alpha = Parameter("alpha", default=1)
    OFFSET = 10

    @step
    def start(self):
        self.items = [1, 2]
        self.next(self.middle, foreach="items")

    @step
    def middle(self):
        self.made = helpers.scaled(self.input)
        self.next(self.join)

    @step
    def join(self, inputs):
        self.made = [one.made for one in inputs]
        self.next(self.right)

    @step
    def right(self):
        self.read = self.shifted()
        self.next(self.end)

    def shifted(self):
        return self.alpha + self.OFFSET

    @step
    def end(self):
        if "FAIL" in os.environ:
            raise ValueError("as asked")
        print(self.read)

if __name__ == "__main__":
    F()
"""
HELPERS = """
def scaled(x):
    return x * 2

def unused(x):
    return x
"""
# Of another length: Python tells an edited file from its cache by second and size.
CHANGED = HELPERS.replace("x * 2", "x + x + x")
CHANGE = "code changed: function scaled in helpers.py"


def failed(folder: Folder, *options: str) -> None:
    """Leave a run that failed in its last step."""
    folder.file(HELPERS, "helpers.py")
    folder.file(FLOW)
    done = folder.run(*options, env={**os.environ, "FAIL": "1"})
    assert done.returncode == 1, words(done)


def plan_of(folder: Folder, command: str, *options: str) -> dict[str, tuple[int, int, str]]:
    """Return, by step, how many tasks would be reused and executed again, and why."""
    done = folder.call("flow.py", command, "--dry-run", "--json", *options)
    assert done.returncode == 0, words(done)
    return {
        step["step"]: (step["reused"], step["executed"], step["why"])
        for step in json.loads(done.stdout)["steps"]
    }
