from __future__ import annotations

import sys

import pytest
from flow_sources import HEADER

from stepwell.definition.loader import load_flow
from stepwell.exceptions import FlowLoadError, UsageError

FLOW = "class {0}(FlowSpec):\n    @step\n    def start(self):\n        pass\n"


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Write a file into an own folder; module table and path are put back after the test."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)

    def write(text: str, name: str = "some_flow.py") -> str:
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_the_one_flow_of_a_file_is_found_and_its_main_part_not_run(written):
    path = written(HEADER + FLOW.format("One") + "if __name__ == '__main__':\n    One()\n")

    flow = load_flow(path)

    assert (flow.__name__, flow.__module__) == ("One", "some_flow")
    assert sys.modules["some_flow"].One is flow


# SPEC 1.2-3
def test_a_file_with_several_flows_lists_them_unless_one_is_named(written):
    path = written(HEADER + FLOW.format("One") + FLOW.format("Two"))

    assert load_flow(f"{path}:Two").__name__ == "Two"
    with pytest.raises(UsageError, match="`One`, `Two`"):
        load_flow(path)
    with pytest.raises(FlowLoadError, match="Did you mean `Two`"):
        load_flow(f"{path}:Tow")


# SPEC 1.2-3
def test_a_module_of_a_package_is_loaded_with_its_relative_imports(written, tmp_path):
    (tmp_path / "pack").mkdir()
    written("", "pack/__init__.py")
    written("NUMBER = 4\n", "pack/other.py")
    written("from .other import NUMBER\n" + HEADER + FLOW.format("Inner"), "pack/flows.py")
    sys.path.insert(0, str(tmp_path))

    assert load_flow("pack.flows:Inner").__name__ == "Inner"


# SPEC 1.2-3
def test_a_file_in_a_package_is_loaded_as_a_module_of_it(written, tmp_path):
    (tmp_path / "pack/sub").mkdir(parents=True)
    written("", "pack/__init__.py")
    written("", "pack/sub/__init__.py")
    written("NUMBER = 4\n", "pack/other.py")
    written("", "pack/sub/beside.py")
    path = written(
        "import beside\nfrom ..other import NUMBER\n" + HEADER + FLOW.format("Inner"), "pack/sub/flows.py"
    )

    assert load_flow(path).__module__ == "pack.sub.flows"


def test_a_file_in_a_package_whose_name_is_taken_is_loaded_alone(written, tmp_path):
    import json

    (tmp_path / "json").mkdir()
    written("", "json/__init__.py")

    flow = load_flow(written(HEADER + FLOW.format("One"), "json/some_flow.py"))

    assert flow.__module__ == "some_flow"
    assert sys.modules["json"] is json


def test_a_relative_import_outside_a_package_says_what_to_do(written):
    with pytest.raises(FlowLoadError, match=r"lies in no package.*package\.module"):
        load_flow(written("from .other import NUMBER\n"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n", "defines no flow"),
        ("x = 1\ndef broken(:\n", r"some_flow\.py:2: .*\n.*def broken"),
        ("def f():\n    return 1 / 0\nf()\n", "line 3(.|\n)*ZeroDivisionError"),
        ("import no_such_module_at_all\n", "No module named 'no_such_module_at_all'"),
        ("raise SystemExit(3)\n", "ends the program"),
    ],
)
def test_a_file_that_cannot_be_used_shows_why_without_our_frames(written, text: str, message: str):
    with pytest.raises(FlowLoadError, match=message) as caught:
        load_flow(written(text))

    assert "loader.py" not in str(caught.value)


def test_a_file_that_fails_leaves_no_module_behind(written):
    with pytest.raises(FlowLoadError):
        load_flow(written("1 / 0\n"))

    assert "some_flow" not in sys.modules


def test_a_missing_file_or_module_is_named(written):
    with pytest.raises(FlowLoadError, match=r"There is no file nothing\.py"):
        load_flow("nothing.py")
    with pytest.raises(FlowLoadError, match=r"no module no\.such"):
        load_flow("no.such:Flow")


# SPEC 8.2-6
@pytest.mark.parametrize("target", ["", ".", "..", ".flow", "flow.", "a..b", ".:Flow", "/", "./"])
def test_what_names_nothing_that_can_be_imported_is_refused_without_our_frames(written, target):
    with pytest.raises(FlowLoadError, match="Name ") as caught:
        load_flow(target)

    assert "loader.py" not in str(caught.value) and "importlib" not in str(caught.value)


def test_a_file_named_like_a_standard_module_does_not_replace_it(written):
    import json

    flow = load_flow(written(HEADER + FLOW.format("One"), "json.py"))

    assert flow.__module__ == "json_flow"
    assert sys.modules["json"] is json
