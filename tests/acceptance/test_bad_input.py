"""What is wrong before anything runs ends in words, not in a traceback, and in exit code 2."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import PATIENCE_S, STEP, Folder, words


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


@pytest.fixture
def mount(tmp_path):
    """Mount a small file system, or skip where that is not allowed."""
    mounted: list[Path] = []

    def make(options: str) -> Path:
        place = tmp_path / f"mount{len(mounted)}"
        place.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "none", str(place)], capture_output=True
        )
        if done.returncode:
            pytest.skip("mounting is not permitted here")
        mounted.append(place)
        return place

    yield make
    for place in mounted:
        subprocess.run(["umount", "-l", str(place)], check=True)


# The flow's file


def test_a_syntax_error_is_shown_with_file_and_line(folder):
    folder.file("from stepwell import FlowSpec\nclass A(FlowSpec:\n    pass\n")

    done = folder.call("-m", "stepwell", "run", "flow.py")

    assert done.returncode == 2
    assert "flow.py:2" in words(done)
    assert "class A(FlowSpec:" in done.stderr


def test_a_file_that_is_not_there_is_named(folder):
    done = folder.call("-m", "stepwell", "run", "nowhere.py")

    assert done.returncode == 2
    assert "nowhere.py" in words(done)


@pytest.mark.parametrize(
    "data",
    [b"\xff\xfe\x00binary", b"x = 1\0\n", b"# -*- coding: nonsense -*-\n"],
    ids=["not-utf-8", "null-byte", "unknown-coding"],
)
def test_a_file_that_is_no_source_is_refused(folder, data):
    (folder.path / "flow.py").write_bytes(data)

    done = folder.call("-m", "stepwell", "run", "flow.py")

    assert done.returncode == 2
    assert "flow.py" in words(done)


def test_a_directory_in_place_of_a_file_is_refused(folder):
    (folder.path / "flow.py").mkdir()

    done = folder.call("-m", "stepwell", "run", "flow.py")

    assert done.returncode == 2
    assert "flow.py" in words(done)


def test_a_file_without_a_flow_says_what_it_lacks(folder):
    folder.file("x = 1\n")

    done = folder.call("-m", "stepwell", "run", "flow.py")

    assert done.returncode == 2
    assert "defines no flow" in words(done)


def test_an_error_while_importing_shows_the_users_frame(folder):
    folder.file("from stepwell import FlowSpec\nimport json\njson.loads('{')\n")

    done = folder.call("-m", "stepwell", "run", "flow.py")

    assert done.returncode == 2
    assert 'flow.py", line 3' in words(done)


def test_a_flow_without_an_execute_guard_runs_by_its_file_and_by_the_command(folder):
    folder.file(STEP.format(body="pass").replace('if __name__ == "__main__":\n    Small()', "Small()"))

    own = folder.run()
    command = folder.call("-m", "stepwell", "run", "flow.py")
    spawned = folder.run("--isolation", "spawn")

    assert own.returncode == 0, words(own)
    assert command.returncode == 0, words(command)
    assert spawned.returncode == 0, words(spawned)


@pytest.mark.parametrize(
    "name", ["next", "input", "index", "merge_artifacts", "foreach_stack", "name", "__iter__"]
)
def test_a_step_may_not_take_the_name_of_what_every_flow_has(folder, name):
    folder.file(
        "from stepwell import FlowSpec, step\n"
        "class Small(FlowSpec):\n"
        "    @step\n    def start(self):\n"
        f"        self.next(self.{name})\n"
        f"    @step\n    def {name}(self):\n"
        "        self.next(self.end)\n"
        "    @step\n    def end(self):\n        pass\n"
        "if __name__ == '__main__':\n    Small()\n"
    )

    done = folder.run()

    assert done.returncode == 2
    assert name in words(done) and "flow.py:7" in done.stderr


@pytest.mark.parametrize("name", ["my flow.py", "flöw — ☃.py", "-flow.py", "queue.py", "a.b.py", "class.py"])
@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_a_flow_file_may_have_any_name(folder, name, isolation):
    folder.flow("self.value = Small", name=name)

    own = folder.call(f"./{name}", "run", "--isolation", isolation)
    command = folder.call("-m", "stepwell", "run", f"./{name}", "--isolation", isolation)

    assert own.returncode == 0, words(own)
    assert command.returncode == 0, words(command)


def test_a_flow_file_that_hides_a_standard_module_is_named(folder):
    folder.flow(name="json.py")

    done = folder.call("json.py", "run")

    assert done.returncode == 2
    assert "json.py" in words(done) and "Rename" in done.stderr


def test_a_file_whose_name_looks_like_an_option_is_explained(folder):
    folder.flow(name="-flow.py")

    done = folder.call("-m", "stepwell", "run", "-flow.py")

    assert done.returncode == 2
    assert "-flow.py" in words(done)


# The command line


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["run", "--number", "many"], "many"),
        (["run", "--nmber", "3"], "--number"),
        (["run", "extra"], "extra"),
        (["run", "--max-workers", "0"], "max-workers"),
        (["run", "--max-log-size", "x"], "max-log-size"),
        (["run", "--isolation", "no"], "isolation"),
        (["run", "--tag"], "tag"),
        (["rnu"], "run"),
        (["run", "--with", "nonsense"], "nonsense"),
        (["run", "--run-id-file", "no/such/folder/id"], "no/such/folder"),
        (["run", "--namespace"], "namespace"),
        (["--datastore-root"], "datastore-root"),
        (["show", "Small/1/2/3/4/5"], "Small/1/2/3/4/5"),
        (["logs", "99/start/1"], "No flow has run here yet"),
        (["dump", ""], ""),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_command_line_names_what_is_wrong(folder, args, said):
    folder.flow()

    done = folder.call("flow.py", *args)

    assert done.returncode == 2, words(done)
    assert said in words(done)
    assert done.stderr.strip()


def test_an_unpicklable_constant_is_named_before_anything_runs(folder):
    folder.file(STEP.format(body="pass").replace("    number =", "    lock = threading.Lock()\n    number ="))

    done = folder.run()

    assert done.returncode == 2
    assert "lock" in words(done)


def test_an_unpicklable_artifact_fails_its_step_by_name(folder):
    folder.flow("self.good = 1", "self.held = {'inside': threading.Lock()}")

    done = folder.run()

    assert done.returncode == 1
    assert "held" in words(done)
    assert folder.states() == ["failed"]


# The place of the results


@pytest.mark.parametrize("args", [["run"], ["runs"]], ids=lambda args: args[0])
def test_a_datastore_that_is_a_file_is_named(folder, args):
    folder.flow()
    folder.file("I am a file", "store")

    done = folder.call("flow.py", "--datastore-root", "store", *args)

    assert done.returncode == 2
    assert "store" in words(done)


def test_a_datastore_below_a_file_is_named(folder):
    folder.flow()
    folder.file("I am a file", "store")

    done = folder.call("flow.py", "--datastore-root", "store/inner", "run")

    assert done.returncode == 2
    assert "store/inner" in words(done)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("stepwell.json", b"\x00\xff garbage"),
        ("stepwell.json", b""),
        ("stepwell.json", b"[1, 2]"),
        ("stepwell.json", b'{"format": "one"}'),
        ("metadata.db", b"this is not a database, but it is long enough to be one" * 100),
        ("metadata.db", b"short"),
    ],
    ids=["json-binary", "json-empty", "json-list", "json-text", "db", "db-short"],
)
@pytest.mark.parametrize("args", [["run"], ["show", "latest"]], ids=lambda args: args[0])
def test_a_damaged_datastore_is_refused_by_file(folder, name, data, args):
    folder.flow()
    assert folder.run().returncode == 0
    for extra in ("-wal", "-shm"):
        (folder.root / f"metadata.db{extra}").unlink(missing_ok=True)
    (folder.root / name).write_bytes(data)

    done = folder.call("flow.py", *args)

    assert done.returncode == 2, words(done)
    assert str(folder.root) in words(done) and name in done.stderr


def test_a_metadata_file_that_is_a_directory_is_named(folder):
    folder.flow()
    (folder.root / "metadata.db").mkdir(parents=True)

    done = folder.run()

    assert done.returncode == 2
    assert "metadata.db" in words(done)


@pytest.mark.parametrize("args", [["run"], ["show", "latest"]], ids=lambda args: args[0])
def test_metadata_of_a_newer_version_is_left_alone(folder, args):
    folder.flow()
    assert folder.run().returncode == 0
    db = sqlite3.connect(folder.root / "metadata.db")
    db.execute("PRAGMA user_version = 99")
    db.close()

    done = folder.call("flow.py", *args)

    assert done.returncode == 2
    assert "99" in words(done) and "newer" in done.stderr


@pytest.mark.parametrize("args", [["run"], ["show", "latest"]], ids=lambda args: args[0])
def test_a_datastore_of_a_newer_version_is_left_alone(folder, args):
    folder.flow()
    assert folder.run().returncode == 0
    (folder.root / "stepwell.json").write_text(json.dumps({"format": 99}))

    done = folder.call("flow.py", *args)

    assert done.returncode == 2
    assert "99" in words(done) and "pgrade" in done.stderr


def test_a_read_only_place_is_named(folder, mount):
    folder.flow()
    place = mount("size=1m,ro")

    done = folder.call("flow.py", "--datastore-root", str(place), "run")

    assert done.returncode == 2
    assert str(place) in words(done) and "read-only" in done.stderr


def test_results_in_a_read_only_place_can_still_be_read(folder, mount):
    folder.flow("print('hello')")
    place = mount("size=4m")
    assert folder.call("flow.py", "--datastore-root", str(place), "run").returncode == 0
    subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)

    logs = folder.call("flow.py", "--datastore-root", str(place), "logs", "latest/start")
    again = folder.call("flow.py", "--datastore-root", str(place), "run")

    assert logs.returncode == 0, words(logs)
    assert logs.stdout == "hello\n"
    assert again.returncode == 2
    assert "read-only" in words(again)


def test_a_disk_that_is_full_from_the_start_is_named(folder, mount):
    folder.flow()
    place = mount("size=4k,nr_inodes=3")

    done = folder.call("flow.py", "--datastore-root", str(place), "run")

    assert done.returncode == 2
    assert "full" in words(done) and str(place) in done.stderr


# The surroundings


@pytest.mark.parametrize(
    "change",
    [{"TERM": "dumb"}, {"LANG": "C", "LC_ALL": "C"}, {"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"},
     {"HOME": None}, {"HOME": None, "STEPWELL_HOME": None, "STEPWELL_USER": None, "LOGNAME": None},
     {"PATH": ""}, {"COLUMNS": "1"}, {"PYTHONOPTIMIZE": "2"}, {"PYTHONDONTWRITEBYTECODE": "1"},
     {"TMPDIR": "/nowhere"}, {"PYTHONHASHSEED": "0"}, {"PYTHONWARNINGS": "error"}, {"PYTHONDEVMODE": "1"}],
    ids=lambda change: ",".join(change),
)  # fmt: skip
@pytest.mark.parametrize("isolation", ["fork", "spawn"])
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


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("isolation", ["fork", "spawn"])
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
    assert signal.SIGINT


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
    assert "No space" in words(logs) and logs.returncode == 2


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
