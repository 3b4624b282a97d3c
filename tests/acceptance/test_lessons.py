"""Each lesson does what its text says, run as the text says, from the folder that they are copied to."""

import os
import re
import shlex

import pytest
from command_line import words

from stepwell.cli.tutorial import all_lessons

COMMAND = re.compile(r"^\$ ((?:\w+=\w+ )?)python (.+?)(?: *# .*)?$", re.MULTILINE)
PROGRAM = re.compile(r"```python\n(.*?)```", re.DOTALL)


@pytest.fixture
def tutorial(folder):
    """Where the lessons are, for one who has pulled them."""
    done = folder.call("-m", "stepwell", "tutorial", "pull")
    assert done.returncode == 0, words(done)
    return folder.path / "stepwell-tutorial"


def text_of(lesson):
    return (all_lessons()[lesson] / "README.md").read_text()


# SPEC 9.4-8
@pytest.mark.smoke
@pytest.mark.parametrize("lesson", all_lessons())
def test_every_command_in_the_text_of_a_lesson_works(lesson, folder, tutorial):
    text = text_of(lesson)
    if lesson == "5-results":
        text = "$ python 4-foreach/census.py run\n" + text
    fails = {"python 6-mistakes/lookup.py run"}

    commands = COMMAND.findall(text)
    assert commands
    for variable, args in commands:
        given = dict([variable.strip().split("=")]) if variable else {}
        done = folder.call(*shlex.split(args), cwd=tutorial, env={**os.environ, **given})
        assert done.returncode == (1 if f"python {args}" in fails else 0), words(done)


# SPEC 9.4-8
@pytest.mark.parametrize("lesson", ["2-parameters", "5-results"])
def test_every_program_in_the_text_of_a_lesson_works(lesson, folder, tutorial):
    for file in ("2-parameters/characters.py", "4-foreach/census.py"):
        assert folder.call(file, "run", cwd=tutorial).returncode == 0

    programs = PROGRAM.findall(text_of(lesson))
    assert programs
    for program in programs:
        done = folder.call("-c", program, cwd=tutorial)
        assert done.returncode == 0, words(done)


# SPEC 9.4-8
def test_the_lessons_find_what_they_say(folder, tutorial):
    def end_of(file, *options):
        return folder.call(file, "run", *options, cwd=tutorial).stdout

    assert "] HELLO!" in end_of("1-hello/hello.py")
    assert "] ☃" in end_of("2-parameters/characters.py")
    assert "upper case letters: 1" in end_of("3-branches/branches.py")
    assert "] ½ " in end_of("3-branches/branches.py", "--number", "0.5")
    assert "] Latin " in end_of("4-foreach/census.py")
    assert "] ☃ ☕ ♞" in end_of("6-mistakes/lookup.py", "--lenient")


# SPEC 9.4-8
def test_the_lesson_of_the_client_says_what_it_needs_when_that_is_missing(folder, tutorial):
    done = folder.call("5-results/look.py", cwd=tutorial)

    assert done.returncode == 1
    assert done.stderr == "Run lesson 4 first, in this directory: python 4-foreach/census.py run\n"


# SPEC 9.4-8
def test_lessons_are_listed_with_what_they_are_about(folder):
    listed = folder.call("-m", "stepwell", "tutorial", "list").stdout.splitlines()

    assert [line.split("  ")[0].strip() for line in listed] == list(all_lessons())
    assert all(re.fullmatch(r"\d-\w+ +[A-Z].+\.", line) for line in listed)


# SPEC 9.4-8
@pytest.mark.parametrize("name", ["4", "foreach", "4-foreach"])
def test_a_lesson_is_named_by_number_or_name(folder, name):
    done = folder.call("-m", "stepwell", "tutorial", "info", name)

    assert done.returncode == 0
    assert done.stdout == text_of("4-foreach")


# SPEC 9.4-8
def test_a_lesson_that_does_not_exist_gets_the_nearest(folder):
    done = folder.call("-m", "stepwell", "tutorial", "pull", "forech")

    assert done.returncode == 2
    assert "Did you mean `foreach`?" in words(done) and "`6-mistakes`" in done.stderr


# SPEC 9.4-8
def test_pulling_never_touches_what_is_there(folder):
    assert folder.call("-m", "stepwell", "tutorial", "pull", "1", "--dir", "here").returncode == 0
    (folder.path / "here" / "1-hello" / "hello.py").write_text("mine")

    done = folder.call("-m", "stepwell", "tutorial", "pull", "--dir", "here")

    assert done.returncode == 2
    assert "here has `1-hello` already" in words(done)
    assert (folder.path / "here" / "1-hello" / "hello.py").read_text() == "mine"
    assert [path.name for path in (folder.path / "here").iterdir()] == ["1-hello"]
    folder.file("", "file")
    assert folder.call("-m", "stepwell", "tutorial", "pull", "2", "--dir", "file").returncode == 2
