"""Unusual terminals, streams, interpreters and folders: a flow runs, or the reason is told in words."""

import os
import subprocess
import sys

import pytest
from command_line import PATIENCE_S, STEP, words
from isolations import forked_and_spawned

CHANGES = {
    "TERM": {"TERM": "dumb"},
    "LANG,LC_ALL": {"LANG": "C", "LC_ALL": "C"},
    "PYTHONUTF8,PYTHONIOENCODING": {"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"},
    "HOME": {"HOME": None},
    "HOME,STEPWELL_HOME,STEPWELL_USER,LOGNAME": {
        "HOME": None,
        "STEPWELL_HOME": None,
        "STEPWELL_USER": None,
        "LOGNAME": None,
    },
    "PATH": {"PATH": ""},
    "COLUMNS": {"COLUMNS": "1"},
    "PYTHONOPTIMIZE": {"PYTHONOPTIMIZE": "2"},
    "PYTHONDONTWRITEBYTECODE": {"PYTHONDONTWRITEBYTECODE": "1"},
    "TMPDIR": {"TMPDIR": "/nowhere"},
    "PYTHONHASHSEED": {"PYTHONHASHSEED": "0"},
    "PYTHONWARNINGS": {"PYTHONWARNINGS": "error"},
    "PYTHONDEVMODE": {"PYTHONDEVMODE": "1"},
}
SPAWNED = (
    "PYTHONUTF8,PYTHONIOENCODING",
    "HOME,STEPWELL_HOME,STEPWELL_USER,LOGNAME",
    "PATH",
    "PYTHONOPTIMIZE",
)


@pytest.mark.parametrize(("change", "isolation"), forked_and_spawned(CHANGES, *SPAWNED, "PYTHONWARNINGS"))
def test_a_flow_runs_in_unusual_surroundings(folder, change, isolation):
    folder.flow("print('snow \\u2603')", "self.text = '\\u2603'")
    env = {**os.environ, **{name: value for name, value in change.items() if value is not None}}
    for name in [name for name, value in change.items() if value is None]:
        env.pop(name, None)

    done = folder.run("--isolation", isolation, env=env)

    assert done.returncode == 0, words(done)
    assert "all is done" in words(done)
    assert "Warning" not in done.stderr
    logs = folder.call("flow.py", "logs", "latest/start", env=env)
    assert logs.returncode == 0, words(logs)


# SPEC 7.1-6
def test_a_slow_git_holds_up_no_task_and_is_recorded_all_the_same(folder):
    folder.flow("open('go', 'w').close()")
    (folder.path / ".git").mkdir()
    git = folder.file("#!/bin/sh\nwhile [ ! -e go ]; do sleep 0.05; done\necho '# branch.oid 1234'\n", "git")
    git.chmod(0o755)

    done = folder.run(env={**os.environ, "PATH": f"{folder.path}:{os.environ['PATH']}"})
    shown = folder.call("flow.py", "show", "1")

    assert done.returncode == 0, words(done)
    assert "(git 1234)" in words(shown)


@pytest.mark.parametrize("options", [["-O"], ["-OO"], ["-B"], ["-X", "utf8=0"], ["-u"], ["-W", "error"]])
def test_a_flow_runs_with_options_of_the_interpreter(folder, options):
    folder.flow("print('hello')")

    done = folder.call(*options, "flow.py", "run")

    assert done.returncode == 0, words(done)


def test_a_flow_in_a_folder_with_modules_named_like_standard_ones_runs(folder):
    folder.flow()
    for name in ("queue", "statistics", "calendar", "config", "runtime", "model"):
        folder.file("raise RuntimeError('the wrong module')\n", f"{name}.py")

    done = folder.run()

    assert done.returncode == 0, words(done)


CLOSED = {"input": "<&-", "output": ">&-", "errors": "2>&-", "all": "<&- >&- 2>&-"}


@pytest.mark.parametrize(("closed", "isolation"), forked_and_spawned(CLOSED, "all"))
def test_a_flow_runs_with_streams_closed(folder, closed, isolation):
    folder.flow("print('hello')", "print('error', file=sys.stderr)")

    line = f"{sys.executable} flow.py run --isolation {isolation} {closed}"
    done = subprocess.run(
        ["bash", "-c", line], cwd=folder.path, capture_output=True, text=True, timeout=PATIENCE_S
    )

    assert done.returncode == 0, words(done)
    assert folder.states() == ["succeeded"]
    assert folder.call("flow.py", "logs", "latest/start").stdout.startswith("hello\n")


def test_a_reader_that_goes_away_early_does_not_end_the_run(folder):
    folder.flow("for i in range(2000): print('line', i)")

    line = f"set -o pipefail; {sys.executable} flow.py run | head -n 1"
    done = subprocess.run(
        ["bash", "-c", line], cwd=folder.path, capture_output=True, text=True, timeout=PATIENCE_S
    )

    words(done)
    assert folder.states() == ["succeeded"]
    assert done.returncode == 0, words(done)


def test_a_deleted_working_directory_is_explained(folder):
    folder.flow()
    gone = folder.path / "gone"
    gone.mkdir()

    line = f"cd {gone}; rmdir {gone}; {sys.executable} {folder.path}/flow.py run"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=PATIENCE_S)

    assert done.returncode == 2, words(done)
    assert "directory" in words(done)


def test_an_interrupt_while_the_flow_is_imported_ends_with_130(folder):
    folder.file("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n" + STEP.format(body="pass"))

    done = folder.call("-m", "stepwell", "run", "flow.py")

    assert done.returncode == 130, words(done)


@pytest.mark.parametrize("args", [["--tag", b"\xff"], ["--text", b"caf\xe9"]], ids=["tag", "parameter"])
def test_an_argument_that_is_no_text_is_taken_or_refused_in_words(folder, args):
    folder.file(
        STEP.format(body="print(repr(self.text))").replace(
            "    number =", "    text = Parameter('text', default='')\n    number ="
        )
    )

    done = folder.run(*args)

    assert done.returncode in (0, 2), words(done)


def test_a_folder_whose_name_is_no_text_may_hold_a_flow(folder):
    odd = os.path.join(os.fsencode(folder.path), b"caf\xe9")
    os.mkdir(odd)
    with open(os.path.join(odd, b"flow.py"), "w") as file:
        file.write(STEP.format(body="pass"))

    done = folder.run(cwd=odd)

    assert done.returncode in (0, 2), words(done)


def test_standard_output_on_a_full_disk_does_not_end_the_run(folder):
    folder.flow("print('hello')")

    line = f"{sys.executable} flow.py run > /dev/full"
    done = subprocess.run(["bash", "-c", line], cwd=folder.path, capture_output=True, text=True, timeout=60)
    logs = subprocess.run(
        ["bash", "-c", f"{sys.executable} flow.py logs latest/start > /dev/full"],
        cwd=folder.path, capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    words(done)
    assert folder.states() == ["succeeded"]
    assert "The command failed: Standard output cannot be written: No space" in words(logs)
    assert logs.returncode == 2


def test_a_foreach_over_items_that_are_no_text_runs(folder):
    folder.file(
        STEP.format(body="self.items = ['\\udcff', '\\x00', '\\x1b[31m', 'x' * 10_000_000, None, b'1']")
        .replace("self.next(self.end)", "self.next(self.work, foreach='items')\n\n"
                 "    @step\n    def work(self):\n        self.next(self.join)\n\n"
                 "    @step\n    def join(self, inputs):\n        self.next(self.end)")
    )  # fmt: skip

    done = folder.run()

    assert done.returncode == 0, words(done)


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_with_few_file_descriptors_a_run_ends_in_words(folder, isolation):
    folder.flow("pass")

    line = f"ulimit -n 16; {sys.executable} flow.py run --isolation {isolation}"
    done = subprocess.run(["bash", "-c", line], cwd=folder.path, capture_output=True, text=True, timeout=60)

    assert done.returncode in (0, 1, 2), words(done)
    assert done.returncode == 0 or "too many open files" in words(done).lower()
