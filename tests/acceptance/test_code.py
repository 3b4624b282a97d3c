"""The code of a run is kept beside it."""

from command_line import Folder, words

from stepwell.client.objects import Run
from stepwell.client.scope import Connection, Scope

USES_A_MODULE = """
from helper import WORD
from stepwell import FlowSpec, current, step

class F(FlowSpec):
    @step
    def start(self):
        self.version = current.code_version
        self.next(self.end)

    @step
    def end(self):
        print(WORD)

if __name__ == "__main__":
    F()
"""


def run_of(folder: Folder, run: str) -> Run:
    return Run(f"F/{run}", Scope(Connection(f"local@{folder.root}"), None))


# SPEC 10.3-8
# SPEC 7.1-6
# SPEC 12.3-2
def test_the_client_gives_the_files_that_a_run_was_started_from(folder):
    folder.file("WORD = 'one'\n", "helper.py")
    folder.file(USES_A_MODULE)
    assert folder.run().returncode == 0
    folder.file("WORD = 'two'\n", "helper.py")
    assert folder.run().returncode == 0

    first, second = run_of(folder, "1").code, run_of(folder, "2").code

    assert first.script_name == "flow.py" and first.flowspec == USES_A_MODULE
    with first.extract() as there:
        assert (folder.path / "helper.py").read_text() == "WORD = 'two'\n"
        with open(f"{there}/helper.py") as file:
            assert file.read() == "WORD = 'one'\n"
    assert second.path != first.path
    version = first.info["code_version"]
    task = run_of(folder, "1")["start"].task
    assert task.data.version == version == task.metadata_dict["code-version"]
    assert task.metadata_dict["code-package"] in first.path
    assert task.code.path == first.path
    assert version in words(folder.call("flow.py", "show", "1"))
    assert version != second.info["code_version"]


# SPEC 9.2-1
def test_suffixes_say_which_files_are_kept(folder):
    folder.file("WORD = 'one'\n", "helper.py")
    folder.file("x,y\n", "table.csv")
    folder.file(USES_A_MODULE)

    done = folder.call("flow.py", "--package-suffixes", ".csv", "run")

    assert done.returncode == 0, words(done)
    with run_of(folder, "1").code.tarball as kept:
        assert kept.getnames() == ["flow.py", "table.csv", ".stepwell-code.json"]


def test_an_unchanged_flow_is_kept_once(folder):
    folder.flow()
    for _ in range(2):
        assert folder.run().returncode == 0

    packages = {field(folder, run) for run in ("1", "2")}

    assert len(packages) == 1


def field(folder: Folder, run: str) -> str:
    at = Scope(Connection(f"local@{folder.root}"), None)
    return Run(f"Small/{run}", at).code.path


def test_a_run_may_keep_no_code(folder, monkeypatch):
    folder.flow()
    monkeypatch.setenv("STEPWELL_FEAT_ALWAYS_UPLOAD_CODE_PACKAGE", "false")

    done = folder.run()

    assert done.returncode == 0, words(done)
    assert Run("Small/1", Scope(Connection(f"local@{folder.root}"), None)).code is None
