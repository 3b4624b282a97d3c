"""What a task does to its process stays there."""

import pytest

from stepwell.wiring.stores import open_stores

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


MODES = """
import os, sys, threading

with open("imports", "a") as file:
    file.write("x")

class F(FlowSpec):
    @step
    def start(self):
        self.seen = self.about()
        print("out", self.seen)
        print("err", file=sys.stderr)
        self.next(self.work, foreach=range(3))

    def about(self):
        links = [self.file_of(fd) for fd in os.listdir("/proc/self/fd")]
        return {
            "pid": os.getpid(),
            "parent": os.getppid(),
            "threads": threading.active_count(),
            "database": "sqlite3" in sys.modules or any("metadata.db" in link for link in links),
        }

    def file_of(self, fd):
        try:
            return os.readlink(f"/proc/self/fd/{fd}")
        except FileNotFoundError:  # inline, another thread of the run process has closed it since
            return ""

    @step
    def work(self):
        self.seen = self.about()
        self.square = self.input ** 2
        self.next(self.join)

    @step
    def join(self, inputs):
        self.squares = [one.square for one in inputs]
        self.seen = [one.seen for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def run_in(flows, isolation):
    ran = flows.run(MODES, "--isolation", isolation)
    assert ran.code == 0, ran.output
    run = open_stores(str(ran.root)).metadata.run("F", "1")
    return ran, run.pid, (flows.folder / "imports").read_text()


# SPEC 7.1-3
def test_forked_tasks_come_from_a_launcher_without_threads_and_connections(flows):
    ran, run_pid, imports = run_in(flows, "fork")

    seen = [ran.value("seen", "start"), *ran.value("seen")]
    assert len({one["pid"] for one in seen}) == 4
    [launcher] = {one["parent"] for one in seen}
    assert launcher != run_pid
    assert [(one["threads"], one["database"]) for one in seen] == [(1, False)] * 4
    assert imports == "x"


# SPEC 7.1-3
def test_spawned_tasks_are_interpreters_of_their_own(flows):
    ran, run_pid, imports = run_in(flows, "spawn")

    seen = [ran.value("seen", "start"), *ran.value("seen")]
    assert len({one["pid"] for one in seen}) == 4
    assert run_pid not in {one["pid"] for one in seen}
    assert imports == "x" * 7  # the run process and six tasks


# SPEC 7.1-3
def test_inline_tasks_run_in_the_run_process(flows):
    ran, run_pid, imports = run_in(flows, "inline")

    seen = [ran.value("seen", "start"), *ran.value("seen")]
    assert {one["pid"] for one in seen} == {run_pid}
    assert imports == "x"


# SPEC 7.1-3
@pytest.mark.parametrize("isolation", ["fork", "spawn", "inline"])
def test_every_isolation_leaves_the_same_artifacts_and_logs(flows, isolation):
    ran, _, _ = run_in(flows, isolation)

    assert ran.names("end") == {"squares", "seen"}
    assert ran.value("squares") == [0, 1, 4]
    key = ran.tasks("start")[0].key
    logs = ran.datastore.logs
    assert logs.read(key, 0, "stdout") == f"out {ran.value('seen', 'start')}\n".encode()
    assert logs.read(key, 0, "stderr") == b"err\n"


THREAD = "STOP = threading.Event()\nthreading.Thread(target=STOP.wait, daemon=True).start()"


# SPEC 7.1-3
# SPEC 7.1-4
def test_where_a_fork_is_unsafe_tasks_are_spawned_and_one_line_says_so(flows):
    threaded = MODES.replace("class F", f"{THREAD}\n\nclass F")

    ran = flows.run(threaded)

    assert ran.code == 0, ran.output
    assert "Tasks are spawned; --isolation spawn silences this line." in ran.stdout
    assert (flows.folder / "imports").read_text() == "x" * 7


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
