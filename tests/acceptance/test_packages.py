"""Flows that are modules of a package, and interpreters that import a flow once more for its tasks."""

import pytest
from command_line import words

FLOW = """
import os
from stepwell import FlowSpec, environment, step

from ..numbers import NUMBER

class Thing:
    pass

class Packed(FlowSpec):
    @step
    def start(self):
        self.thing = Thing()
        self.next(self.end)

    @environment(vars={"OF_THE_STEP": "1"})
    @step
    def end(self):
        print("number", NUMBER, os.environ["OF_THE_STEP"], isinstance(self.thing, Thing))

if __name__ == "__main__":
    Packed()
"""

STARTS = [
    ("-m", "stepwell", "run", "pack.sub.flow:Packed"),
    ("-m", "stepwell", "run", "pack/sub/flow.py"),
    ("-m", "pack.sub.flow", "run"),
]


@pytest.fixture
def package(folder):
    """A package with a flow that imports from the package above it."""
    (folder.path / "pack/sub").mkdir(parents=True)
    folder.file("", "pack/__init__.py")
    folder.file("", "pack/sub/__init__.py")
    folder.file("NUMBER = 42\n", "pack/numbers.py")
    folder.file(FLOW, "pack/sub/flow.py")
    return folder


# SPEC 1.2-3
@pytest.mark.parametrize("start", STARTS, ids=["module", "file", "python -m"])
@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_tasks_of_a_flow_in_a_package_have_its_relative_imports(package, start, isolation):
    done = package.call(*start, "--isolation", isolation)
    assert done.returncode == 0, words(done)
    assert "number 42 1 True" in done.stdout


def test_commands_that_are_offered_next_start_the_flow_as_it_was_started(package):
    done = package.call("-m", "pack.sub.flow")
    assert "`python -m pack.sub.flow run` runs the flow" in words(done)


# SPEC 4.1-2
@pytest.mark.parametrize("options", [("--isolation", "spawn"), ("--with", 'environment:vars={"A":"1"}')])
def test_a_decorator_from_the_command_line_holds_in_every_interpreter_of_the_run(folder, options):
    folder.flow("1 / 0")
    done = folder.run("--with", "catch:var=failure", *options)
    assert done.returncode == 0, words(done)


# SPEC 8.2-6
@pytest.mark.parametrize("options", [("--isolation", "spawn"), ("--with", 'environment:vars={"A":"1"}')])
def test_a_flow_that_a_task_cannot_import_is_told_as_the_failure_of_the_task(folder, options):
    flow = folder.flow()
    flow.write_text("if __name__ != '__main__':\n    import not_there_at_all\n" + flow.read_text())

    done = folder.run(*options)
    assert done.returncode == 1
    assert "ModuleNotFoundError: No module named 'not_there_at_all'" in words(done)
    assert "os._exit" not in words(done)

    shown = folder.call("flow.py", "show", "1/start/1")
    assert "No module named 'not_there_at_all'" in words(shown)
