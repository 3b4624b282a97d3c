"""A new project runs, and its test passes."""

import pytest
from command_line import words

from stepwell.cli.new import class_name


def new(folder, *args):
    return folder.call("-m", "stepwell", "new", *args)


# SPEC 9.4-8
@pytest.mark.smoke
@pytest.mark.parametrize("template", ["minimal", "foreach"])
def test_a_new_project_runs_and_its_own_test_passes(folder, template):
    made = new(folder, "movie-stats", "--template", template)
    project = folder.path / "movie-stats"
    ran = folder.call("flow.py", "run", cwd=project)
    tested = folder.call("-m", "pytest", "-q", "-p", "no:randomly", cwd=project)

    assert made.returncode == 0, words(made)
    assert ran.returncode == 0, words(ran)
    assert tested.returncode == 0, tested.stdout
    shown = folder.call("-m", "stepwell", "show", "MovieStatsFlow/latest", cwd=project).stdout
    assert shown.startswith("Run MovieStatsFlow/1: succeeded")


# SPEC 9.4-8
@pytest.mark.parametrize("template", ["minimal", "foreach"])
def test_a_new_project_has_all_it_needs_under_its_own_name(folder, template):
    new(folder, "movie-stats", "--template", template)

    texts = {path.name: path.read_text() for path in (folder.path / "movie-stats").iterdir()}
    assert {"flow.py", "test_flow.py", "README.md", "requirements.txt", ".gitignore"} <= set(texts)
    assert [name for name, text in texts.items() if "project-name" in text or "ProjectFlow" in text] == []
    assert "# movie-stats\n" in texts["README.md"] and "class MovieStatsFlow(" in texts["flow.py"]
    assert texts["requirements.txt"].startswith("stepwell>=")


# SPEC 9.4-8
@pytest.mark.parametrize(
    "name", ["", "1st", "a b", "../up", "a/b", "-x", "a--b", "a-", "ünï", "x" * 61, "a\x1b"]
)
def test_a_name_that_is_none_is_refused(folder, name):
    done = new(folder, "--", name)

    assert done.returncode == 2
    assert "is no name for a project" in words(done)
    assert list(folder.path.iterdir()) == []


# SPEC 9.4-8
def test_what_is_there_is_never_overwritten(folder):
    (folder.path / "taken").mkdir()
    folder.file("mine", "file")

    for name in ("taken", "file"):
        done = new(folder, name)
        assert done.returncode == 2 and f"{name} is there already" in words(done)
    assert list((folder.path / "taken").iterdir()) == []
    assert (folder.path / "file").read_text() == "mine"


# SPEC 9.4-8
def test_a_place_that_cannot_be_written_is_named(folder, mount):
    done = folder.call("-m", "stepwell", "new", "x", cwd=mount("size=64k,ro"))

    assert done.returncode == 2
    assert "x cannot be made: Read-only file system" in words(done)


# SPEC 9.4-8
def test_a_full_disk_leaves_no_half_of_a_project(folder, mount):
    place = mount("size=64k,nr_inodes=4")

    done = folder.call("-m", "stepwell", "new", "x", cwd=place)

    assert done.returncode == 2
    assert "x cannot be written: No space left" in words(done)
    assert list(place.iterdir()) == []


# SPEC 9.4-8
@pytest.mark.parametrize(
    ("name", "flow"),
    [
        ("movies", "MoviesFlow"),
        ("movie_stats2", "MovieStats2Flow"),
        ("flow", "FlowFlow"),
        ("my-flow", "MyFlow"),
        ("class", "ClassFlow"),
        ("flow-spec", "FlowSpecFlow"),
    ],
)
def test_the_flow_of_a_project_has_a_name_that_collides_with_none(name, flow):
    assert class_name(name) == flow


# SPEC 9.4-8
def test_a_template_that_does_not_exist_is_refused_with_those_that_do(folder):
    done = new(folder, "x", "--template", "mnimal")

    assert done.returncode == 2
    assert "`minimal`, `foreach`" in words(done)
