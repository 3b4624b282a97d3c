"""Mistakes that Python meets while it imports the flow's file, whichever door the user comes in by."""

import pytest
from command_line import words

FLOW = """
from stepwell import FlowSpec, kubernetes, resources, step

class Bad(FlowSpec):
    @{decorator}
    @step
    def start(self):
        pass

if __name__ == "__main__":
    Bad()
"""
DOORS = pytest.mark.parametrize(
    "door", [("flow.py", "run"), ("-m", "stepwell", "run", "flow.py")], ids=["flow", "cli"]
)


# SPEC 5.1-1
# SPEC 8.2-6
@DOORS
def test_a_wrong_argument_of_a_decorator_is_told_by_place_without_our_traceback(folder, door):
    file = folder.file(FLOW.format(decorator="resources(cpus=2)"))

    done = folder.call(*door)

    assert (done.returncode, done.stdout) == (2, "")
    assert f"{file}:5: @resources has no attribute `cpus`. Did you mean `cpu`?" in words(done)
    assert "Traceback" not in done.stderr


# SPEC 5.3-3
@DOORS
def test_a_mistake_of_phase_is_explained_where_python_says_name_error(folder, door):
    folder.file(FLOW.format(decorator="resources(cpu=2 if self.heavy else 1)"))

    done = folder.call(*door)

    assert (done.returncode, done.stdout) == (2, "")
    assert "flow.py:5: `self.heavy` is used in an argument of @resources on step `start`" in words(done)
    assert "exists only at run time" in words(done) and "Use a Config" in words(done)
    assert "Traceback" not in done.stderr and "NameError" not in done.stderr


# SPEC 1.1-1
@DOORS
def test_a_decorator_of_a_later_version_is_refused_by_place(folder, door):
    file = folder.file(FLOW.format(decorator="kubernetes(cpu=3)"))

    done = folder.call(*door)

    assert (done.returncode, done.stdout) == (2, "")
    assert f"Not in this version: {file}:5: `kubernetes` is not in this version." in words(done)
    assert "Traceback" not in done.stderr


# SPEC 6.2-8
def test_a_decorator_of_a_later_version_is_refused_on_the_command_line_too(folder):
    folder.flow()

    done = folder.run("--with", "kubernetes:cpu=2")

    assert done.returncode == 2
    assert "`kubernetes` is not in this version." in words(done)


def test_what_is_no_mistake_of_a_flow_keeps_its_traceback(folder):
    folder.file("from stepwell import FlowSpec\n1 / 0\n")

    done = folder.call("flow.py")

    assert done.returncode == 1
    assert "Traceback" in done.stderr and "ZeroDivisionError" in done.stderr
