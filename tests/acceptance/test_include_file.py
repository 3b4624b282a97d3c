"""Files that are included: read when the run is created, the same for every step ever after."""

import json
import os

import pytest
from command_line import Folder, words

FLOW = """
import csv
from stepwell import FlowSpec, IncludeFile, step

def rows(text):
    return [line.split(",") for line in text.splitlines()]

class Included(FlowSpec):
    table = IncludeFile("table", default="table.csv", parser=rows, help="What to look at.")
    raw = IncludeFile("raw", is_text=False, default=lambda context: f"{context.parameter_name}.bin")
    settings = IncludeFile("settings", parser=".toml_parser")
    absent = IncludeFile("absent")

    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        self.seen = [self.table, self.raw.decode(), self.settings, self.absent]

if __name__ == "__main__":
    Included()
"""


@pytest.fixture
def included(folder: Folder) -> Folder:
    folder.file(FLOW)
    folder.file("a,1\nb,2", "table.csv")
    folder.file("raw", "raw.bin")
    folder.file("n = 3", "settings.toml")
    return folder


def data(folder: Folder, run: int, expression: str) -> object:
    code = (
        f"import json, stepwell; data = stepwell.Run('Included/{run}').data; print(json.dumps({expression}))"
    )
    return json.loads(folder.call("-c", code).stdout)


# SPEC 3.3-1
# SPEC 3.3-3
# SPEC 3.3-4
def test_steps_see_what_the_parser_made_and_readers_the_content(included):
    done = included.run("--settings", "settings.toml")
    assert done.returncode == 0, words(done)

    assert data(included, 1, "data.seen") == [[["a", "1"], ["b", "2"]], "raw", {"n": 3}, None]
    assert data(included, 1, "[data.table, data.raw.decode(), data.settings, data.absent]") == [
        *("a,1\nb,2", "raw", "n = 3", None)
    ]
    assert "a,1" in included.call("flow.py", "dump", "1/end").stdout


# SPEC 3.3-1
def test_the_file_is_read_once_and_a_run_that_goes_on_has_what_it_held(included):
    assert included.run("--settings", "settings.toml").returncode == 0
    for name in ("table.csv", "raw.bin", "settings.toml"):
        (included.path / name).unlink()

    assert included.call("flow.py", "check").returncode == 0
    resumed = included.call("flow.py", "resume", "end")

    assert resumed.returncode == 0, words(resumed)
    assert data(included, 2, "data.seen") == data(included, 1, "data.seen")


# SPEC 3.3-3
def test_equal_content_is_stored_once_for_all_runs(included):
    included.file("x" * 100_000, "table.csv")
    sizes = []
    for _ in range(2):
        assert included.run().returncode == 0
        sizes.append(sum(len(names) for _, _, names in os.walk(included.root / "blobs")))

    assert sizes[0] == sizes[1] > 0


# SPEC 3.3-2
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--table", "~/nowhere/at/all"), "the file ~/nowhere/at/all cannot be read: No such file"),
        (("--table", "~no-such-user/x.csv"), "that user has no home directory"),
        (("--table", "https://example.org/x.csv"), "is a URL"),
        (("--table", "."), "Is a directory"),
        (("--settings", "bad.bin"), "no utf-8 text, at byte 1"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_usage_error_before_anything_starts(included, options, said):
    (included.path / "bad.bin").write_bytes(b"a\xff")

    done = included.run(*options)

    assert done.returncode == 2
    assert said in words(done)
    assert not included.root.exists()


# SPEC 3.3-2
def test_a_default_that_is_not_there_is_a_usage_error_of_run_alone(included):
    (included.path / "table.csv").unlink()

    done = included.run()

    assert done.returncode == 2
    assert "The default of --table is wrong: the file table.csv cannot be read" in words(done)
    assert included.call("flow.py", "run", "--help").returncode == 0


# SPEC 3.3-4
def test_a_parser_that_fails_is_named_with_its_parameter(included):
    included.file("n = ", "settings.toml")

    done = included.run("--settings", "settings.toml")

    assert done.returncode == 1
    assert "no valid TOML" in words(done)
    included.file(FLOW.replace("line.split(", "line.no_such("))
    assert "The parser of `table` failed on the file that was included: AttributeError" in words(
        included.run()
    )


# SPEC 3.3-5
def test_a_large_file_is_told_by_its_size(included):
    with open(included.path / "large.bin", "wb") as file:
        file.truncate(101 * 2**20)

    done = included.run("--raw", "large.bin")

    assert done.returncode == 0, words(done)
    assert "large.bin has 101 MiB, all of which is stored with the run" in words(done)
