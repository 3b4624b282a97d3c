import os
import sys

import pytest

from stepwell.code_package import selection
from stepwell.code_package.selection import imported, select


@pytest.fixture
def tree(tmp_path):
    """Makes files below a folder."""

    def make(*names: str):
        for name in names:
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(name)
        return tmp_path

    return make


def names(script, suffixes=(".py",)):
    return [source.name for source in select(str(script), suffixes).sources]


def test_the_files_beside_and_below_the_flow_belong_to_its_code_by_suffix(tree):
    root = tree("flow.py", "lib/tools.py", "lib/model.R", "data.csv", "notes.txt")

    assert names(root / "flow.py") == ["flow.py", "lib/tools.py"]
    assert names(root / "flow.py", (".py", ".R")) == ["flow.py", "lib/model.R", "lib/tools.py"]


def test_hidden_folders_caches_and_environments_are_left_out(tree):
    root = tree(
        "flow.py",
        ".git/hook.py",
        "__pycache__/flow.py",
        "node_modules/x.py",
        "env/pyvenv.cfg",
        "env/lib/y.py",
    )

    assert names(root / "flow.py") == ["flow.py"]


def test_the_flow_itself_belongs_to_it_whatever_its_suffix(tree):
    root = tree("flow", "other.py")

    assert names(root / "flow") == ["flow", "other.py"]


def test_a_flow_in_a_package_is_packed_with_the_whole_package(tree):
    root = tree("top/__init__.py", "top/sub/__init__.py", "top/sub/flow.py", "top/lib.py")

    assert "top/lib.py" in names(root / "top/sub/flow.py")
    assert select(str(root / "top/sub/flow.py"), (".py",)).script == "top/sub/flow.py"


def test_links_are_followed_once(tree, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "shared.py").write_text("1")
    root = tree("flow.py", "lib/a.py")
    (root / "lib/up").symlink_to(root)
    (root / "shared").symlink_to(elsewhere)

    assert names(root / "flow.py") == ["flow.py", "lib/a.py", "shared/shared.py"]


def test_what_is_no_regular_file_is_left_out(tree):
    root = tree("flow.py")
    os.mkfifo(root / "pipe.py")
    (root / "gone.py").symlink_to(root / "nowhere.py")

    assert names(root / "flow.py") == ["flow.py"]


@pytest.mark.parametrize(("limit", "said"), [("MOST_ENTRIES", "files and folders"), ("MOST_BYTES", "MiB")])
def test_of_a_tree_that_is_no_project_only_what_is_imported_is_taken(tree, monkeypatch, limit, said):
    root = tree("flow.py", "used_here.py", "unused.py")
    monkeypatch.setattr(selection, limit, 2)
    monkeypatch.syspath_prepend(str(root))
    (root / "used_here.py").write_text("")
    __import__("used_here")

    found = select(str(root / "flow.py"), (".py",))

    assert [source.name for source in found.sources] == ["flow.py", "used_here.py"]
    assert said in found.note and "only what was imported" in found.note
    del sys.modules["used_here"]


def test_modules_of_elsewhere_and_of_environments_below_are_no_code_of_the_flow(tree, monkeypatch):
    root = tree("flow.py", "site-packages/foreign_here.py")
    (root / "site-packages/foreign_here.py").write_text("")
    monkeypatch.syspath_prepend(str(root / "site-packages"))
    __import__("foreign_here")

    assert [source.name for source in imported(str(root / "flow.py"))] == ["flow.py"]
    del sys.modules["foreign_here"]
