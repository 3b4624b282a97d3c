"""Functions that are stored keep the classes that they use, however the flow was started."""

import subprocess
import sys

import pytest
from command_line import words

FLOW = """
from dataclasses import dataclass
from stepwell import FlowSpec, environment, step

@dataclass
class Thing:
    size: int = 1

def make(size):
    return Thing(size)

class Small(FlowSpec):
    @step
    def start(self):
        class Inner(Thing):
            pass

        more = 2
        self.kind = lambda: Thing
        self.made = lambda: make(more)
        self.inner = Inner
        self.next(self.end)

    @environment(vars={"ANY": "1"})
    @step
    def end(self):
        print(self.kind() is Thing, type(self.made()) is Thing, issubclass(self.inner, Thing))

if __name__ == "__main__":
    Small()
"""
CLIENT = """
from stepwell import Run, namespace
namespace(None)
data = Run("Small/1").data
print(data.kind().__name__, data.made().size, data.inner(5).size)
"""


# SPEC 1.3-13
@pytest.mark.parametrize(
    "start", [["flow.py", "run"], ["-m", "stepwell", "run", "flow.py"]], ids=["flow", "cli"]
)
@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_a_stored_function_uses_the_classes_that_the_step_uses(folder, start, isolation):
    flow = folder.file(FLOW)

    done = folder.call(*start, "--isolation", isolation)

    assert done.returncode == 0, words(done)
    assert "True True True" in done.stdout
    flow.unlink()
    read = subprocess.run(
        [sys.executable, "-c", CLIENT], cwd=folder.path, capture_output=True, text=True, timeout=60
    )
    assert read.stdout == "Thing 2 5\n", read.stderr
