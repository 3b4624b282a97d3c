"""`show` and what it tells of a run."""

import re
import socket
import sys

from command_line import words

from stepwell.version import VERSION

BRANCHES = """
import os, time
from stepwell import FlowSpec, step

class Branches(FlowSpec):
    @step
    def start(self):
        self.next(self.slow, self.fast)

    @step
    def slow(self):
        while not os.path.exists("faster-began"):
            time.sleep(0.01)
        self.next(self.slower)

    @step
    def slower(self):
        self.next(self.join)

    @step
    def fast(self):
        self.next(self.faster)

    @step
    def faster(self):
        open("faster-began", "w").close()
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Branches()
"""


# SPEC 7.1-6, 9.4-2
def test_a_run_shows_what_was_recorded_before_its_first_task(folder):
    folder.flow("1 / 0")
    assert folder.run("--tag", "night").returncode == 1

    shown = folder.call("flow.py", "show", "latest").stdout

    version = ".".join(map(str, sys.version_info[:3]))
    assert f"  ran on    {socket.gethostname()}, Python {version}, Stepwell {VERSION}\n" in shown
    assert "  command   flow.py run --tag night\n" in shown
    assert "  tags      night\n" in shown and re.search(r"^  code      \w{16}$", shown, re.MULTILINE)


# SPEC 9.4-2
def test_the_steps_of_a_run_stand_in_the_order_of_the_graph(folder):
    folder.file(BRANCHES)
    assert folder.run("--max-workers", "2").returncode == 0

    of_flow, of_run = folder.call("flow.py", "show"), folder.call("flow.py", "show", "latest")

    in_graph = re.findall(r"^Step (\w+)", of_flow.stdout, re.MULTILINE)
    assert len(in_graph) == 7
    assert re.findall(r"^  step +(\w+):", of_run.stdout, re.MULTILINE) == in_graph, words(of_run)
