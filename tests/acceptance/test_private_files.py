"""What Stepwell writes is for the user alone, and under names that nobody can know beforehand."""

import os
import stat

import pytest
from command_line import until, words

from stepwell.client.objects import Run
from stepwell.client.scope import Connection, Scope
from stepwell.exceptions import UsageError
from stepwell.runtime.runtime import write_whole

BODY = (
    "self.big = b'x' * 100_000",
    "print('words')",
    "assert not os.environ.get('FAIL')",
    "open('begun', 'w').close()",
    "while os.path.exists('hold'): time.sleep(0.01)",
)


def open_to_others(root):
    """What others could read, write or enter, and whatever is neither file nor folder."""
    found = {}
    for path in (root, *root.rglob("*")):
        mode = path.lstat().st_mode
        wanted = stat.S_IFDIR | 0o700 if stat.S_ISDIR(mode) else stat.S_IFREG | 0o600
        if mode != wanted:
            found[str(path)] = stat.filemode(mode)
    return found


@pytest.fixture
def scratch(folder, monkeypatch):
    """The folder for temporary files."""
    scratch = folder.path / "tmp"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    return scratch


# SPEC 18.2-2
@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_all_that_a_run_keeps_is_for_the_user_alone_whatever_the_umask(
    folder, scratch, isolation, monkeypatch
):
    folder.flow(*BODY)
    (folder.path / "hold").touch()
    files = ("--run-id-file", "id.txt", "--runner-attribute-file", "run.json")
    running = folder.begin("--isolation", isolation, *files, umask=0)
    until((folder.path / "begun").exists, "a task has begun")

    meanwhile = open_to_others(folder.root)
    temporary = list(scratch.iterdir())
    (folder.path / "hold").unlink()
    assert running.wait(60) == 0
    monkeypatch.setenv("FAIL", "1")
    assert folder.run("--isolation", isolation, umask=0).returncode == 1
    Run("Small/1", Scope(Connection(f"local@{folder.root}"))).add_tag("kept")
    dumped = folder.call("-m", "stepwell", "dump", "Small/1/end", "--file", "values.pickle", umask=0)
    assert dumped.returncode == folder.call("-m", "stepwell", "reindex", umask=0).returncode == 0

    assert (meanwhile, open_to_others(folder.root)) == ({}, {})
    assert (temporary, list(scratch.iterdir())) == ([], [])
    for name in ("id.txt", "run.json", "values.pickle"):
        assert stat.S_IMODE((folder.path / name).stat().st_mode) == 0o600, name


# SPEC 18.2-2
def test_the_report_of_a_mistake_of_ours_is_for_the_user_alone(folder):
    folder.flow()
    assert folder.run().returncode == 0
    folder.file(
        "from stepwell.cli.console import Console\nfrom stepwell.cli.errors import explain\n"
        "explain(RuntimeError('ours'), Console(), ['run'], 'stepwell')",
        "mistake.py",
    )

    done = folder.call("mistake.py", umask=0)

    assert "was saved in" in done.stderr
    assert open_to_others(folder.root) == {}


# SPEC 18.2-2
def test_nobody_can_lay_a_link_where_a_file_is_written_first(tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("kept")
    (tmp_path / f".id.txt.{os.getpid()}").symlink_to(precious)

    write_whole(tmp_path / "id.txt", "17")

    assert (tmp_path / "id.txt").read_text() == "17"
    assert precious.read_text() == "kept"


# SPEC 18.2-2
def test_what_cannot_be_written_leaves_nothing_behind(tmp_path):
    (tmp_path / "folder").mkdir()

    with pytest.raises(UsageError, match="cannot be written"):
        write_whole(tmp_path / "folder", "17")

    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


# SPEC 18.2-2
def test_a_dump_that_cannot_be_written_is_a_usage_error(folder):
    folder.flow()
    assert folder.run().returncode == 0

    done = folder.call("-m", "stepwell", "dump", "Small/1/end", "--file", "no/such/folder")

    assert done.returncode == 2
    assert "no/such/folder cannot be written" in words(done)


READ = """
from stepwell import Flow, namespace
namespace(None)
run = Flow("Small").latest_run
assert run.successful and run["start"].task.data.big == b"x" * 100_000
assert run["start"].task.stdout == "words\\n" and "class Small" in run.code.flowspec
"""


# SPEC 10.3-12
# SPEC 18.2-2
def test_reading_results_leaves_no_file_anywhere(folder, scratch):
    folder.flow(*BODY)
    assert folder.run().returncode == 0
    folder.file(READ, "read.py")
    home = folder.path / "home"
    home.mkdir()
    places = {**os.environ, "HOME": str(home), "XDG_CACHE_HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    del places["STEPWELL_HOME"]
    before = {path for path in folder.path.rglob("*") if "metadata.db" not in path.name}

    done = folder.call("read.py", env=places)

    assert done.returncode == 0, done.stderr
    assert {path for path in folder.path.rglob("*") if "metadata.db" not in path.name} == before
