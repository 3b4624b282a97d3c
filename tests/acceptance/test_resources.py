"""What steps state of their needs decides what runs beside what, on this machine."""

import os
import re
import sys

import pytest
from command_line import nothing_left, words

from stepwell.client import Run, Task
from stepwell.client.scope import Connection, Scope
from stepwell.wiring.stores import open_stores

NEEDY = """
import os, time
from stepwell import FlowSpec, resources, step

class F(FlowSpec):
    @step
    def start(self):
        os.mkdir("here")
        self.next(self.work, foreach=range(4))

    @resources({needs})
    @step
    def work(self):
        open(f"here/{{self.index}}", "w").close()
        self.seen = len(os.listdir("here"))
        time.sleep(0.05)  # a chance for others to begin beside it, if they could
        self.devices = os.environ.get("CUDA_VISIBLE_DEVICES", "all")
        os.unlink(f"here/{{self.index}}")
        self.next(self.join)

    @step
    def join(self, inputs):
        self.most = max(task.seen for task in inputs)
        self.devices = [task.devices for task in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    F()
"""


def scope(folder) -> Scope:
    return Scope(Connection(str(folder.root), open_stores(str(folder.root))))


# SPEC 6.2-3, 6.2-5
@pytest.mark.parametrize(
    ("needs", "variables", "most"),
    [
        ("cpu=2", {}, 2),
        ("cpu=2", {"STEPWELL_LOCAL_CPU": "9"}, 4),
        ("memory=400", {"STEPWELL_LOCAL_MEMORY": "900"}, 2),
        ("custom={'licence': 1}", {"STEPWELL_LOCAL_TOKENS": "other=1, licence=1"}, 1),
        ("gpu=1", {"STEPWELL_LOCAL_GPU": "2"}, 2),
    ],
    ids=["cores are workers", "cores as set", "memory", "tokens", "devices"],
)
def test_tasks_claim_together_no_more_than_there_is(folder, monkeypatch, needs, variables, most):
    folder.file(NEEDY.format(needs=needs))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    done = folder.run("--max-workers", "4")

    assert done.returncode == 0, words(done)
    assert Run("F/1", scope(folder)).data.most <= most
    assert "alone" not in words(done)


# SPEC 6.2-3
def test_a_request_above_the_capacity_runs_alone_and_is_told_once(folder):
    folder.file(NEEDY.format(needs="cpu=4096"))

    planned, done = folder.run("--dry-run"), folder.run("--max-workers", "4")

    assert done.returncode == 0, words(done)
    assert Run("F/1", scope(folder)).data.most == 1
    assert words(done).count("step work asks for cpu=4096, there are 4; its tasks run alone.") == 1
    assert "step work asks for cpu=4096, there " in planned.stderr


# SPEC 6.2-4, 7.1-4
@pytest.mark.parametrize(
    ("gpu", "has", "given", "isolation"),
    [
        ("1", "3,GPU-a", {"3", "GPU-a"}, "fork"),
        ("2", "1,2", {"1,2"}, "fork"),
        ("2", "1,2", {"1,2"}, "spawn"),
        ("0.5", "1", {"0"}, "fork"),
        ("2", "7,", {"7"}, "fork"),
    ],
    ids=["one each", "all", "all, spawned", "shared", "fewer"],
)
def test_a_task_sees_the_devices_that_are_its_own(folder, monkeypatch, gpu, has, given, isolation):
    folder.file(NEEDY.format(needs=f"gpu={gpu}"))
    monkeypatch.setenv("STEPWELL_LOCAL_GPU", has)

    done = folder.run("--max-workers", "2", "--isolation", isolation)

    assert done.returncode == 0, words(done)
    assert set(Run("F/1", scope(folder)).data.devices) == given
    assert ("step work asks for gpu=2, there is 1; its tasks get what there is." in words(done)) == (
        given == {"7"}
    )


# SPEC 6.2-3, 6.2-5
@pytest.mark.parametrize(
    ("name", "value"),
    [("CPU", "0"), ("CPU", "many"), ("MEMORY", "inf"), ("TOKENS", "licence"), ("TOKENS", "licence=-1")],
)
def test_a_capacity_that_is_none_is_refused_before_the_run(folder, monkeypatch, name, value):
    folder.file(NEEDY.format(needs="custom={'licence': 1}"))
    monkeypatch.setenv(f"STEPWELL_LOCAL_{name}", value)

    done = folder.run()

    assert done.returncode == 2
    assert re.search(f"STEPWELL_LOCAL_{name} must .*environment variable STEPWELL_LOCAL_{name}", words(done))


HUNGRY = """
import multiprocessing, time
from stepwell import FlowSpec, resources, retry, step

def eat(megabytes):
    food = bytearray(megabytes << 20)
    time.sleep(60 if megabytes > 100 else 0)

class F(FlowSpec):
    @retry(times=1, delay=0, on=["OutOfMemory"])
    @resources(memory=300, enforce=True)
    @step
    def start(self):
        food = bytearray(100 << 20)  # shared with its children: counted once
        children = [multiprocessing.get_context("fork").Process(target=eat, args=(10,)) for _ in range(4)]
        [child.start() for child in children]
        [child.join() for child in children]
        self.next(self.greedy)

    @retry(times=1, delay=0, on=["OutOfMemory"])
    @resources(memory=150, enforce=True)
    @step
    def greedy(self):
        child = multiprocessing.get_context("fork").Process(target=eat, args=(400,))
        child.start()
        child.join()
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    F()
"""


# SPEC 6.2-6
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what a process uses now")
def test_who_uses_more_memory_than_it_states_is_ended_as_out_of_memory(folder):
    folder.file(HUNGRY)

    done = folder.run()
    shown = folder.call("-m", "stepwell", "show", "F/1/greedy/2")

    assert done.returncode == 1
    assert Task("F/1/start/1", at=scope(folder)).successful
    assert "OutOfMemory: The task was ended because it used more memory than the 150 MB" in words(done)
    assert "retry 1 of 1" in words(done)
    assert "asked for memory_mb=150, enforced" in words(shown)
    assert "attempt   0 failed after" in words(shown)


USING = """
import os, time
from stepwell import FlowSpec, resources, step

class F(FlowSpec):
    @resources(cpu=1, memory=64, custom={"licence": 1})
    @step
    def start(self):
        food = bytearray(200 << 20)
        while time.process_time() < 0.2:
            pass
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    F()
"""


# SPEC 6.2-6
def test_what_an_attempt_used_is_shown_beside_what_it_asked_for(folder):
    folder.file(USING)

    folder.run(env={**os.environ, "STEPWELL_LOCAL_TOKENS": "licence=1"})
    shown = words(folder.call("-m", "stepwell", "show", "F/1/start/1"))

    task = Task("F/1/start/1", at=scope(folder))
    assert "asked for cpu=1, memory_mb=64, licence=1\n" in shown
    assert re.search(r"used      \d+\.\d+ s of CPU, \d+ MiB of memory at most\n", shown)
    assert float(task.metadata_dict["cpu-s"]) >= 0.2
    assert int(task.metadata_dict["peak-rss-kib"]) > 200 * 1024


BUSY = """
import os, time
from stepwell import FlowSpec, resources, step

class F(FlowSpec):
    @resources(gpu=2)
    @step
    def start(self):
        until = time.monotonic() + 60
        while not os.path.exists("told") and time.monotonic() < until:
            time.sleep(0.01)
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    F()
"""
# Says what the real one does, of two devices and two looks.
TOOL = """#!/bin/sh
echo "$@" > asked
printf '100, 5\\n200, 7\\n1500, 93\\n10, 8\\n'
touch told
exec sleep 600
"""


# SPEC 6.2-6
def test_the_most_that_a_task_used_of_its_gpus_is_shown_where_it_can_be_read(folder, mark):
    folder.file(BUSY)
    folder.file(TOOL, "nvidia-smi").chmod(0o755)
    path = {"PATH": f"{folder.path}:{os.environ['PATH']}", "STEPWELL_LOCAL_GPU": "4,7"}

    assert folder.run(env={**os.environ, **path}).returncode == 0

    assert (folder.path / "asked").read_text().split()[0] == "--id=4,7"
    task = Task("F/1/start/1", at=scope(folder))
    assert task.metadata_dict["peak-gpu-memory-mib"] == "1510"
    assert task.metadata_dict["peak-gpu-percent"] == "93"
    assert ", 1510 MiB and 93 % of its GPUs at most" in words(folder.call("flow.py", "show", "1/start/1"))
    nothing_left(mark)


# SPEC 6.2-6
def test_a_tool_that_cannot_read_a_device_says_nothing_of_it(folder):
    folder.file(BUSY)
    folder.file("#!/bin/sh\ntouch told\necho '[N/A], [N/A]'\nexit 9\n", "nvidia-smi").chmod(0o755)
    path = {"PATH": f"{folder.path}:{os.environ['PATH']}", "STEPWELL_LOCAL_GPU": "2"}

    assert folder.run(env={**os.environ, **path}).returncode == 0

    assert "peak-gpu-memory-mib" not in Task("F/1/start/1", at=scope(folder)).metadata_dict
    assert "GPUs at most" not in words(folder.call("flow.py", "show", "1/start/1"))


ORDER = """
import os
from stepwell import FlowSpec, step

class F(FlowSpec):
    @step
    def start(self):
        self.next(self.low, self.high, self.middle, self.usual)

    @step(priority=-1)
    def low(self):
        self.began("low")
        self.next(self.join)

    @step(priority=9)
    def high(self):
        self.began("high")
        self.next(self.join)

    @step(priority=5)
    def middle(self):
        self.items = [2, 1, 0]
        self.began("middle")
        self.next(self.each, foreach="items")

    @step(priority=5)
    def each(self):
        self.began(f"each {self.input}")
        self.next(self.each_join)

    @step
    def each_join(self, inputs):
        self.next(self.join)

    @step
    def usual(self):
        self.began("usual")
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass

    def began(self, name):
        with open("order", "a") as file:
            print(name, file=file)

if __name__ == "__main__":
    F()
"""


# SPEC 6.2-7
# SPEC 7.1-7
def test_of_ready_tasks_the_one_with_the_highest_priority_starts_first_then_the_oldest(folder):
    folder.file(ORDER)

    assert folder.run("--max-workers", "1").returncode == 0

    order = (folder.path / "order").read_text().splitlines()
    assert order == ["high", "middle", "each 2", "each 1", "each 0", "usual", "low"]
