"""Typed parameters from the command line, variables and files to the steps of a run."""

import json
import os

import pytest
from command_line import Folder, words

FLOW = """
import enum, json
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Literal
from stepwell import FlowSpec, Parameter, step

class Mode(enum.Enum):
    FAST = 1
    GOOD = 2

@dataclass
class Model:
    depth: int
    name: str = "tree"

class Typed(FlowSpec):
    day: date = Parameter(default="2026-01-31")
    wait: timedelta = Parameter(default="1h")
    mode: Mode = Parameter(default="FAST")
    model: Model = Parameter(default='{"depth": 2}')
    sizes: list[int] = Parameter(default=[1])
    place: Path | None = Parameter()
    kind: Literal["a", "b"] = Parameter(default="a")
    size = Parameter("size", default=3, min=1, max=9)
    names = Parameter("names", multiple=True)
    careful = Parameter("careful", is_flag=True)

    @step
    def start(self):
        self.model.depth += 1
        self.next(self.end)

    @step
    def end(self):
        self.seen = [
            self.day.isoformat(), self.wait.total_seconds(), self.mode.name, self.model.depth, self.sizes,
            str(self.place), self.kind, self.size, self.names, self.careful,
        ]

if __name__ == "__main__":
    Typed()
"""
DEFAULTS = ["2026-01-31", 3600.0, "FAST", 2, [1], "None", "a", 3, None, False]


@pytest.fixture
def typed(folder: Folder) -> Folder:
    folder.file(FLOW)
    return folder


def seen(folder: Folder, run: int) -> list[object]:
    code = f"import json, stepwell; print(json.dumps(stepwell.Run('Typed/{run}').data.seen))"
    return json.loads(folder.call("-c", code).stdout)


# SPEC 3.1-5
# SPEC 3.1-8
# SPEC 3.2-3
# SPEC 3.2-1
def test_steps_see_typed_values_and_resumed_runs_have_them_too(typed):
    variables = {"STEPWELL_RUN_SIZES": "[4, 5]", "STEPWELL_RUN_NAMES": "one two", "STEPWELL_RUN_SIZE": "1"}
    options = (
        "--day",
        "2026-02-01",
        "--wait",
        "2d",
        "--mode",
        "GOOD",
        "--model",
        '{"depth": 7}',
        "--size",
        "9",
    )

    assert typed.run().returncode == 0
    done = typed.run(*options, "--place", "x/y", "--kind", "b", "--careful", env={**os.environ, **variables})
    assert done.returncode == 0, words(done)
    resumed = typed.call("flow.py", "resume", "end", "--size", "8")
    assert resumed.returncode == 0, words(resumed)

    assert seen(typed, 1) == DEFAULTS
    given = ["2026-02-01", 172800.0, "GOOD", 7, [4, 5], "x/y", "b", 9, ["one two"], True]
    assert seen(typed, 2) == given
    assert seen(typed, 3) == [*given[:7], 8, *given[8:]]


# SPEC 3.1-6
def test_every_value_that_breaks_a_rule_is_told_before_anything_starts(typed):
    done = typed.run("--mode", "slow", "--size", "10", env={**os.environ, "STEPWELL_RUN_DAY": "soon"})

    assert done.returncode == 2
    for said in (
        "The value of --mode is wrong: 'slow' is none of FAST, GOOD",
        "The value of --size is wrong: 10 is more than 9",
        "The value of --day is wrong: 'soon' is no date",
        "--day is given by STEPWELL_RUN_DAY",
    ):
        assert said in words(done)
    assert not typed.root.exists()


# SPEC 9.1-3
def test_help_shows_choices_and_types(typed):
    shown = " ".join(typed.run("--help").stdout.split())

    for said in (
        "--mode [FAST|GOOD]",
        "--kind [a|b]",
        "--day DATE",
        "--sizes INT",
        "--model JSON",
        "--place PATH",
    ):
        assert said in shown


# SPEC 3.2-4
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("values.json", '{"size": 5, "mode": "GOOD", "sizes": [7], "model": {"depth": 4}}'),
        ("values.toml", 'size = 5\nmode = "GOOD"\nsizes = [7]\nmodel = {depth = 4}'),
        ("values.yaml", "size: 5\nmode: GOOD\nsizes: [7]\nmodel: {depth: 4}"),
    ],
)
def test_a_file_gives_many_and_single_options_win(typed, name, text):
    typed.file(text, name)
    variables = {**os.environ, "STEPWELL_RUN_SIZE": "2", "STEPWELL_RUN_KIND": "b"}

    done = typed.run("--params-file", name, "--mode", "FAST", env=variables)

    assert done.returncode == 0, words(done)
    assert seen(typed, 1) == [*DEFAULTS[:3], 4, [7], "None", "b", 5, None, False]


# SPEC 3.2-4
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"sise": 5}', "no parameter `sise`. Did you mean `size`?"),
        ('{"size": 50}', "--size is wrong: 50 is more than 9"),
        ('{"size": "x"}', "values that no option gives are from values.json"),
        ('{"size": ', "not valid JSON at line 1, column 10"),
        ("[1]", "must hold names of parameters"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_file_of_parameters_that_is_wrong_is_a_usage_error(typed, text, said):
    typed.file(text, "values.json")

    done = typed.run("--params-file", "values.json")

    assert done.returncode == 2
    assert said in words(done)
    assert "cannot be read" in words(typed.run("--params-file", "nowhere.json"))
    (typed.path / "latin.json").write_bytes(b"\xff")
    assert "it is no UTF-8 text, at byte 0" in words(typed.run("--params-file", "latin.json"))


# SPEC 3.1-5
# SPEC 9.3-4
def test_an_annotation_that_means_nothing_at_run_time_is_warned_of(typed):
    typed.file(
        FLOW.replace("day: date =", "day: 'OnlyForCheckers' =").replace("self.day.isoformat()", "self.day")
    )

    warned = typed.call("flow.py", "check", "--warnings")

    assert warned.returncode == 0
    assert "the annotation of parameter `day` says nothing of its type (NameError" in words(warned)
    assert typed.run().returncode == 0
    assert seen(typed, 1) == DEFAULTS, "the default says the type"
