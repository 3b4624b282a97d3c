"""What goes wrong while a flow runs: dying tasks, full disks, interrupts, killed processes."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import WIDE, nothing_left, until, words
from isolations import forked_and_spawned

# Tasks that die


DEATHS = {
    "segfault": ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
    "kill": ("os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
    "term": ("os.kill(os.getpid(), signal.SIGTERM)", "SIGTERM"),
    "abort": ("os.abort()", "SIGABRT"),
    "exit 0": ("os._exit(0)", "exit code 0"),
    "exit 7": ("os._exit(7)", "exit code 7"),
    "sys.exit": ("sys.exit(3)", "3"),
    "sys.exit with words": ("sys.exit('for a reason')", "for a reason"),
    "interrupt": ("if True: raise KeyboardInterrupt", "KeyboardInterrupt"),
    "sigint": ("os.kill(os.getpid(), signal.SIGINT)", "KeyboardInterrupt"),
    "recursion": ("f = lambda: f(); f()", "RecursionError"),
    "memory": (
        "import resource as r; r.setrlimit(r.RLIMIT_AS, (1 << 28,) * 2); b'1' * (1 << 30)",
        "MemoryError",
    ),
    "closed streams": ("os.close(1); os.close(2); int('unheard')", "unheard"),
    "odd text": ("if True: raise ValueError('odd \\udcff \\x00 \\x1b[2J text')", "odd "),
    "much text": ("if True: raise ValueError('much ' * 4_000_000)", "much much"),
    "group": ("if True: raise ExceptionGroup('both', [ValueError('one'), TypeError('two')])", "both"),
    "cannot be pickled": (
        "if True: raise type('Held', (Exception,), {'__reduce__': None})(threading.Lock())",
        "Held",
    ),
    "cannot be told": ("if True: raise type('Odd', (Exception,), {'__str__': lambda self: 1 / 0})", "Odd"),
    "bare": ("if True: raise BaseException('bare')", "bare"),
}


@pytest.mark.parametrize(
    ("body", "said", "isolation"),
    forked_and_spawned(DEATHS, "segfault", "exit 0", "sys.exit", "sigint", "memory", "closed streams"),
)
def test_a_task_that_dies_fails_the_run_and_the_cause_is_told(folder, mark, body, said, isolation):
    folder.flow(body)

    done = folder.run("--isolation", isolation)

    assert done.returncode == 1, words(done)
    assert said in words(done)
    assert folder.states() == ["failed"]
    assert said in words(folder.call("flow.py", "show", "latest/start"))
    nothing_left(mark)


def test_a_step_that_exits_with_zero_has_not_succeeded_by_that(folder):
    folder.flow("sys.exit(0)")

    done = folder.run()

    assert done.returncode == 1, words(done)
    assert "all is done" not in words(done)


def test_a_task_out_of_memory_says_so(folder):
    group = Path(f"/sys/fs/cgroup/memory/stepwell-test-{os.getpid()}")
    limit = "memory.limit_in_bytes"
    if not group.parent.is_dir():
        group = Path(f"/sys/fs/cgroup/stepwell-test-{os.getpid()}")
        limit = "memory.max"
    try:
        group.mkdir()
        (group / limit).write_text(str(96 << 20))
    except OSError:
        if group.is_dir():
            group.rmdir()
        pytest.skip("no control group can be made here")
    try:
        folder.flow(
            f"open('{group}/cgroup.procs', 'w').write(str(os.getpid()))", "self.much = b'1' * (400 << 20)"
        )

        done = folder.run()

        assert done.returncode == 1, words(done)
        assert "memory" in words(done) or "SIGKILL" in words(done)
    finally:
        until(lambda: not (group / "cgroup.procs").read_text(), "the group is empty")
        group.rmdir()


# Tasks that leave something behind


LEFT = {
    "child": "if os.fork() == 0: time.sleep(600)",
    "program": "subprocess.Popen(['sleep', '600'])",
    "program of its own session": "subprocess.Popen(['sleep', '600'], start_new_session=True)",
    "orphan": "subprocess.Popen('(setsid sleep 600 &) &', shell=True)",
    "daemon": "if os.fork() == 0: os.setsid(); (os.fork() and os._exit(0)); time.sleep(600)",
    "thread": "threading.Thread(target=time.sleep, args=(600,)).start()",
    "daemon threads": (
        "[threading.Thread(target=time.sleep, args=(600,), daemon=True).start() for _ in range(5)]"
    ),
    "pool": "import concurrent.futures as c; c.ProcessPoolExecutor(2).submit(abs, 1).result()",
    "spawned helper": (
        "import multiprocessing as m; "
        "m.get_context('spawn').Process(target=time.sleep, args=(600,), daemon=True).start()"
    ),
    "deaf program": "subprocess.Popen(['sh', '-c', 'trap \"\" TERM HUP INT; sleep 600'])",
}


@pytest.mark.parametrize(
    ("body", "isolation"), forked_and_spawned(LEFT, "orphan", "thread", "pool", "deaf program")
)
def test_what_a_step_leaves_running_delays_nothing_and_is_gone_after_the_run(folder, mark, body, isolation):
    folder.flow(body, "self.value = 1")
    began = time.monotonic()

    done = folder.run("--isolation", isolation)

    assert done.returncode == 0, words(done)
    assert "all is done" in words(done)
    assert time.monotonic() - began < 30
    nothing_left(mark)


@pytest.mark.parametrize(
    "body",
    [
        "os.closerange(3, 4096)",
        "os.chdir('/')",
        "os.environ.clear()",
        "sys.stdout = sys.stderr = None",
        "sys.stdout.close(); sys.stderr.close()",
        "os.close(0); os.close(1); os.close(2)",
        "os.umask(0o777)",
        "import builtins; builtins.print = builtins.open = None",
        "sys.path.clear(); sys.argv.clear()",
        "sys.setrecursionlimit(120)",
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN); subprocess.run(['true'])",
        "import gc; gc.disable(); gc.freeze()",
        "import locale; os.environ['LC_ALL'] = 'C'; locale.setlocale(locale.LC_ALL, '')",
        "time.time = time.monotonic = lambda: 0",
        "import logging; logging.disable(); logging.shutdown()",
        "import resource as r; r.setrlimit(r.RLIMIT_NOFILE, (8, 8))",
        "import faulthandler; faulthandler.enable()",
        "sys.settrace(lambda *a: None); sys.setprofile(lambda *a: None)",
        "import asyncio; asyncio.set_event_loop(asyncio.new_event_loop())",
        "import warnings; warnings.simplefilter('error')",
    ],
    ids=lambda body: body[:24],
)
def test_a_step_may_spoil_its_process_as_long_as_it_returns(folder, mark, body):
    folder.flow(body, "self.value = 1")

    done = folder.run()

    assert done.returncode == 0, words(done)
    assert "value" in words(folder.call("flow.py", "dump", "latest/end"))
    nothing_left(mark)


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_a_flow_file_that_vanishes_meanwhile_is_named_if_it_is_needed(folder, mark, isolation):
    folder.flow("os.remove('flow.py')")

    done = folder.run("--isolation", isolation)

    assert done.returncode == (0 if isolation == "fork" else 1), words(done)
    assert isolation == "fork" or "There is no file" in words(done)


@pytest.mark.parametrize("change", ["flip", "cut", "empty", "remove"])
def test_damaged_results_are_told_by_name(folder, change):
    folder.flow("self.value = list(range(100_000))", "print('hello')")
    assert folder.run().returncode == 0
    for file in [file for file in folder.root.rglob("*") if file.is_file()]:
        if file.name.startswith(("metadata.db", "stepwell.json")):
            continue
        data = bytearray(file.read_bytes())
        if change == "flip":
            data[len(data) // 2] ^= 0xFF
            data[-1] ^= 0xFF
        file.unlink()
        if change != "remove":
            file.write_bytes(data[: {"cut": len(data) // 2, "empty": 0}.get(change, len(data))])

    for args in (["show", "latest"], ["logs", "latest/start"], ["dump", "latest/end"], ["runs"]):
        done = folder.call("flow.py", *args)

        assert done.returncode in (0, 2), words(done)
        assert not words(done).count("Traceback"), words(done)


def test_a_forked_child_that_returns_through_the_step_commits_nothing_twice(folder, mark):
    folder.flow("self.child = os.fork() == 0", "time.sleep(0.3 if self.child else 0)")

    done = folder.run()

    assert done.returncode == 0, words(done)
    assert words(done).count("all is done") == 1
    assert words(folder.call("flow.py", "dump", "latest/end")).count("child") >= 1
    assert "False" in folder.call("flow.py", "dump", "latest/end").stdout


# Output


def test_output_that_is_no_text_does_no_harm(folder):
    folder.flow(
        "os.write(1, b'\\xff\\xfe\\x00 raw\\n')",
        "os.write(1, bytes(one for one in range(256) if one != 13))",
        "os.write(1, b'\\x1b[2J\\x1b]0;title\\x07')",
        "print('\\udcff lone')",
    )

    done = folder.run()
    as_json = folder.run("--json")
    kept = subprocess.run(
        [sys.executable, "flow.py", "logs", "latest/start"], cwd=folder.path, capture_output=True
    )

    assert done.returncode == as_json.returncode == 0, words(done) + words(as_json)
    assert kept.stdout.startswith(b"\xff\xfe\x00 raw\n" + bytes(set(range(256)) - {13}))


def test_a_line_without_an_end_is_kept(folder):
    folder.flow("sys.stdout.write('x' * 3_000_000)")

    done = folder.run()

    assert done.returncode == 0, words(done)
    assert folder.call("flow.py", "logs", "latest/start").stdout.strip() == "x" * 3_000_000


@pytest.mark.slow
@pytest.mark.parametrize("line", ["b'y' * 99 + b'\\n'", "b'y' * 100"], ids=["lines", "one-line"])
def test_a_task_that_prints_100_mb_costs_bounded_memory(folder, line):
    folder.flow(f"for _ in range(1000): os.write(1, ({line}) * 1000)")
    script = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run([sys.executable, 'flow.py', 'run', '--max-log-size', '2'],"
        " stdout=subprocess.DEVNULL)\n"
        "print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)\n"
    )

    measured = folder.call("-c", script)
    log = folder.call("flow.py", "logs", "latest/start").stdout

    code, mib = map(int, measured.stdout.split())
    assert code == 0, measured.stderr
    assert mib < 200
    assert len(log) < 2.2 * (1 << 20)
    assert "bytes are missing here" in log
    assert log.count("y") > 1_900_000


@pytest.mark.slow
def test_many_small_writes_of_a_task_reach_the_log_whole(folder):
    folder.flow("for i in range(200_000): sys.stdout.write(f'{i}\\n')")

    done = folder.run("--show-logs", "none")

    assert done.returncode == 0, words(done)
    found = folder.call("flow.py", "logs", "latest/start").stdout.split()
    assert found == [str(i) for i in range(200_000)]


# Full disks


FILLING = {
    "blobs": ("2m", "self.data = os.urandom(200_000)"),
    "one-blob": ("2m", "self.data = os.urandom(5_000_000)"),
    "logs": ("2m", "print('x' * 200_000)"),
    "small": ("600k", "self.data = [os.urandom(10) for _ in range(1_000)]"),
    "foreign": ("2m", "open(os.environ['DISK'] + '/ballast', 'wb').write(b'1' * (1 << 22))"),
}


@pytest.mark.parametrize(("size", "body", "isolation"), forked_and_spawned(FILLING, "one-blob"))
def test_a_disk_that_fills_up_fails_the_run_in_words(folder, mark, disk, size, body, isolation, monkeypatch):
    place = disk(size)
    monkeypatch.setenv("DISK", str(place))
    folder.file(WIDE.format(body=body))

    done = folder.call("flow.py", "--datastore-root", f"{place}/store", "run", "--isolation", isolation)

    assert done.returncode == 1, words(done)
    assert "full" in words(done) or "No space" in words(done)
    nothing_left(mark)


@pytest.mark.parametrize("left", [0, 8, 32, 128], ids=lambda left: f"{left}-KiB")
def test_a_disk_with_hardly_any_space_ends_the_run_in_words(folder, mark, disk, left):
    place = disk("2m")
    folder.file(WIDE.format(body="pass"))
    run = ("flow.py", "--datastore-root", f"{place}/store", "run")
    assert folder.call(*run).returncode == 0
    with open(place / "ballast", "wb") as file:
        space = os.statvfs(place)
        file.write(b"1" * max(0, space.f_bavail * space.f_frsize - left * 1024))

    done = folder.call(*run)

    assert done.returncode in (0, 1, 2), words(done)
    if done.returncode:
        assert "full" in words(done) or "disk" in words(done)
    nothing_left(mark)
    (place / "ballast").unlink()
    again = folder.call(*run)
    assert again.returncode == 0, words(again)


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_a_run_whose_datastore_is_deleted_has_not_succeeded(folder, mark, isolation):
    # The run process may write there meanwhile, and then it is deleted again.
    folder.flow(
        "import shutil", "while os.path.exists('.stepwell'): shutil.rmtree('.stepwell', ignore_errors=True)"
    )

    done = folder.run("--isolation", isolation)

    assert done.returncode == 1, words(done)
    assert "deleted" in words(done)
