"""What is wrong before anything runs ends in words, not in a traceback, and in exit code 2."""

import json
import sqlite3
import subprocess

import pytest
from command_line import STEP, words

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
def test_a_flow_file_may_have_any_name(folder, name):
    folder.flow("self.value = Small", name=name)

    own = folder.call(f"./{name}", "run", "--isolation", "fork")
    command = folder.call("-m", "stepwell", "run", f"./{name}", "--isolation", "spawn")

    assert own.returncode == 0, words(own)
    assert command.returncode == 0, words(command)


def test_a_flow_file_that_hides_a_standard_module_is_named(folder):
    folder.flow(name="pickle.py")

    done = folder.call("pickle.py", "run")

    assert done.returncode == 2
    assert "pickle.py" in words(done) and "Rename" in done.stderr


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
        (["show", "latest"], "There is no datastore"),
        (["logs", "99/start/1"], "There is no datastore"),
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


# SPEC 7.1-11
# SPEC 12.4-3
@pytest.mark.parametrize("option", ["--run-id-file", "--runner-attribute-file"])
def test_a_run_whose_id_cannot_be_told_is_on_record_as_failed_with_the_reason(folder, option):
    folder.flow("open('began', 'w').close()")

    done = folder.run(option, "no/such/folder/id")
    shown = folder.call("flow.py", "show", "1")

    assert done.returncode == 2, words(done)
    assert not (folder.path / "began").exists()
    assert "Run Small/1: failed (it did not start: no/such/folder/id cannot be written" in words(shown)


# SPEC 9.1-4
@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["show", "Small/1/2/3/4/5"], "Small/1/2/3/4/5"),
        (["logs", "99/start/1"], "The newest are: `Small/1`"),
        (["dump", "1/strat"], "Did you mean `start`?"),
        (["show", "lates/start"], "There is no run `Small/lates`. Did you mean `latest`?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_address_that_leads_nowhere_says_what_exists(folder, args, said):
    folder.flow()
    folder.run()

    done = folder.call("flow.py", *args)

    assert done.returncode == 2, words(done)
    assert said in words(done)


# SPEC 10.3-10
@pytest.mark.parametrize(
    ("tags", "said"),
    [
        (["t" * 3000], "A tag has 1 to 500 characters"),
        ([""], "A tag has 1 to 500 characters"),
        ([f"t{number}" for number in range(51)], "at most 50 user tags"),
    ],
    ids=["long", "empty", "many"],
)
def test_tags_of_a_run_keep_the_rules_of_tags(folder, tags, said):
    folder.flow()

    done = folder.run(*(word for tag in tags for word in ("--tag", tag)))

    assert done.returncode == 2, words(done)
    assert said in words(done)
    assert not folder.root.exists()


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


# SPEC 9.4-7
@pytest.mark.parametrize(
    ("options", "advice"),
    [("size=4k,nr_inodes=1", "Free some space"), ("ro", "Mount its file system for writing")],
)
def test_doctor_says_what_to_do_about_a_place_that_cannot_be_written(folder, mount, options, advice):
    place = mount(options)

    done = folder.call("-m", "stepwell", "--datastore-root", str(place), "doctor")

    assert done.returncode == 1
    assert f"{advice}" in words(done) and "write access" not in words(done)
