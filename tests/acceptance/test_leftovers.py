"""What a step leaves behind ends with its task, and does not hold it up."""

from pathlib import Path

import pytest
from command_line import alive_with

FLOW = """
import atexit, os, threading, time

LEFT = []

def leave(thing):
    LEFT.append(thing)  # it outlives the step
    return thing

def tell(pipe):
    pipe.send(os.getpid())
    threading.Event().wait()

class F(FlowSpec):
    @step
    def start(self):
        # Imported with the flow, they would have registered their exit functions before the fork.
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import util
{body}
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def flow(body: str) -> str:
    return FLOW.format(body="\n".join(f"        {line}" for line in body.strip().splitlines()))


POOL = "leave(multiprocessing.Pool(2)).map(abs, [-3])"
EXECUTOR = "list(leave(ProcessPoolExecutor(2)).map(abs, [-3]))"
QUEUE = "leave(multiprocessing.Queue()).put(b'x' * 1_000_000)"
PROCESS = "leave(multiprocessing.Process(target=time.sleep, args=(600,))).start()"
MANAGER = "leave(multiprocessing.Manager()).list([1])"


# SPEC 7.2-5
# SPEC 7.2-8
@pytest.mark.parametrize("isolation", ["fork", "spawn"])
@pytest.mark.parametrize("left", [POOL, EXECUTOR, QUEUE, PROCESS, MANAGER, f"{POOL}\n{EXECUTOR}"])
def test_helper_processes_and_queues_that_are_left_do_not_hold_up_a_task(flows, mark, isolation, left):
    ran = flows.run(flow(left), "--isolation", isolation)

    assert ran.code == 0, ran.output
    assert "Traceback" not in ran.output and "Exception" not in ran.output
    assert not alive_with(mark)


def test_threads_that_waited_for_a_helper_do_not_complain_in_the_task_s_output(flows):
    ran = flows.run(
        flow("""
ours, theirs = multiprocessing.Pipe()
leave(multiprocessing.Process(target=tell, args=(theirs,))).start()
theirs.close()
ours.recv()
thread = threading.Thread(target=ours.recv)
thread.start()
util.Finalize(None, thread.join, exitpriority=-200)
""")
    )

    assert ran.code == 0, ran.output
    assert "Exception" not in ran.output


def test_what_would_outlive_a_task_is_freed_at_its_end(flows):
    ran = flows.run(
        flow(f"""
self.folder = util.get_temp_dir()
{POOL}
self.lock = leave(multiprocessing.get_context("spawn").Lock())._semlock.name
""")
    )

    assert ran.code == 0, ran.output
    assert not Path(str(ran.value("folder"))).exists()
    assert not Path(f"/dev/shm/sem.{str(ran.value('lock')).lstrip('/')}").exists()


def test_exit_functions_of_a_step_run_while_its_helpers_live(flows):
    ran = flows.run(
        flow("""
ours, theirs = multiprocessing.Pipe()
helper = leave(multiprocessing.Process(target=tell, args=(theirs,)))
helper.start()
atexit.register(lambda: print("alive at exit:", ours.recv() == helper.pid and helper.is_alive()))
""")
    )

    assert ran.code == 0, ran.output
    assert "alive at exit: True" in ran.stdout


def test_a_process_that_importing_the_flow_started_serves_all_tasks(flows):
    ran = flows.run(
        """
import multiprocessing, threading, time

multiprocessing = multiprocessing.get_context("fork")  # a forkserver would be a second process, with a thread
if multiprocessing.current_process().name == "MainProcess":
    shared = multiprocessing.Process(target=time.sleep, args=(600,), daemon=True)
    shared.start()

class F(FlowSpec):
    @step
    def start(self):
        mine = multiprocessing.Process(target=time.sleep, args=(600,))
        mine.start()
        self.next(self.end)

    @step
    def end(self):
        with open(f"/proc/{shared.pid}/stat") as file:
            self.state = file.read().rpartition(")")[2].split()[0]
    """,
        "--isolation",
        "fork",
    )

    assert ran.code == 0, ran.output
    assert ran.value("state") == "S"


# SPEC 7.2-8
def test_exit_functions_that_do_not_return_are_given_up(folder):
    file = folder.file(
        "import atexit, threading\n"
        "from stepwell.engines.local.leftovers import clear_up\n"
        "atexit.register(threading.Event().wait)\n"
        "clear_up(3, limit_s=0.1)\n"
    )

    done = folder.call(str(file))

    assert done.returncode == 3
    assert done.stderr == "Exit functions did not return in 0.1 s; the task ends without them.\n"
