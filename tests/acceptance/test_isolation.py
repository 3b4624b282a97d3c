"""What a task does to its process stays there."""

import pytest

FLOW = """
import os, random, sys, threading

with open("imports", "a") as file:
    file.write("x")
STATE = []

class F(FlowSpec):
    @step
    def start(self):
        STATE.append("start")
        os.environ["MARK"] = "set"
        os.mkdir("elsewhere")
        os.chdir("elsewhere")
        sys.path.append("/nowhere")
        self.next(self.work, foreach=range(3))

    @step
    def work(self):
        self.drawn = random.random()
        self.pid = os.getpid()
        self.clean = [list(STATE), os.environ.get("MARK"), os.path.basename(os.getcwd()) == "elsewhere"]
        self.clean.append("/nowhere" in sys.path)
        STATE.append("work")
        self.next(self.join)

    @step
    def join(self, inputs):
        self.drawn = [one.drawn for one in inputs]
        self.pids = [one.pid for one in inputs]
        self.clean = [one.clean for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass
"""


# SPEC 7.1-2
# SPEC 7.1-5
def test_tasks_share_nothing_and_the_file_is_imported_once(flows):
    ran = flows.run(FLOW)
    assert ran.code == 0, ran.output
    end = ran.values("end")
    assert end["clean"] == [[[], None, False, False]] * 3
    assert len(set(end["pids"])) == 3
    assert len(set(end["drawn"])) == 3
    assert (flows.folder / "imports").read_text() == "x"


# SPEC 7.1-5
def test_a_seed_makes_each_task_draw_the_same_numbers_again(flows):
    body = FLOW.replace('os.mkdir("elsewhere")', 'os.makedirs("elsewhere", exist_ok=True)')
    first = flows.run(body, STEPWELL_SEED="5", STEPWELL_DATASTORE_ROOT=str(flows.folder / "one"))
    again = flows.run(body, STEPWELL_SEED="5", STEPWELL_DATASTORE_ROOT=str(flows.folder / "two"))
    assert first.code == again.code == 0, first.output + again.output
    first.root, again.root = flows.folder / "one", flows.folder / "two"
    assert first.value("drawn") == again.value("drawn")
    assert len(set(first.value("drawn"))) == 3


CLOSING = """
import os, sys

class F(FlowSpec):
    @step
    def start(self):
        child = os.fork()
        self.who = "child" if child == 0 else "parent"
        if child:
            os.waitpid(child, 0)
        print("before")
        sys.stdout.close()
        sys.stderr.close()
        self.x = 1
        self.next(self.end)

    @step
    def end(self):
        sys.stdout = sys.stderr = None
        self.y = self.x
"""


def test_a_step_may_close_its_streams_and_a_process_it_forks_never_commits(flows):
    ran = flows.run(CLOSING)
    assert ran.code == 0, ran.output
    assert (ran.value("y"), ran.value("who")) == (1, "parent")
    assert "A process that step 'start' forked came back from the step" in ran.stdout
    assert "before" in ran.stdout


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("sys.exit(0)", "leave `sys.exit` to scripts"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise Mute()", "Mute"),
        ("self.dive()", "RecursionError: maximum recursion depth exceeded"),
    ],
)
def test_whatever_a_step_raises_fails_its_task_and_is_told(flows, line, said):
    ran = flows.run(f"""
import sys

class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no words")

class F(FlowSpec):
    def dive(self):
        self.dive()

    @step
    def start(self):
        self.kept = 1
        if self.kept:
            {line}
        self.next(self.end)

    @step
    def end(self):
        pass
    """)
    assert ran.code == 1
    assert said in ran.output
    assert "flow.py" in ran.stdout and "runtime/task" not in ran.output
    [kept] = ran.failures("start")
    assert [entry.name for entry in kept.own] == ["_exception", "kept"]
    assert len(ran.output) < 20_000


# SPEC 7.1-2
def test_a_process_that_a_step_left_and_that_ends_does_not_stay_a_zombie(flows):
    ran = flows.run("""
import os, subprocess, time

class F(FlowSpec):
    @step
    def start(self):
        left = subprocess.run(["sh", "-c", "true & echo $!"], stdout=subprocess.PIPE, text=True).stdout
        until = time.monotonic() + 30
        while os.path.exists(f"/proc/{left.strip()}") and time.monotonic() < until:
            time.sleep(0.01)
        self.stayed = os.path.exists(f"/proc/{left.strip()}")
        self.next(self.end)

    @step
    def end(self):
        pass
    """)
    assert ran.code == 0, ran.output
    assert ran.values("start")["stayed"] is False
