"""The examples run through the real command line, and the client reads what they made."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from stepwell import Flow, Run, metadata, namespace

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
PYTHON_BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


@pytest.fixture
def run_example(tmp_path):
    """Run an example in a datastore of its own and return its latest run."""

    def run(file: str, flow: str, *options: str) -> Run:
        result = subprocess.run(
            [sys.executable, str(EXAMPLES / file), "run", *options],  # an absolute `file` stands for itself
            cwd=tmp_path,
            env={**os.environ, "STEPWELL_DATASTORE_SYSROOT_LOCAL": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        metadata(str(tmp_path))
        namespace(None)
        latest = Flow(flow).latest_successful_run
        assert latest is not None
        return latest

    return run


@pytest.mark.smoke
def test_hello_greets_whom_it_is_told_to_greet(run_example):
    run = run_example("hello.py", "Hello", "--who", "Ada")

    assert run.data.loud == "HELLO, ADA!"
    assert run["end"].task.stdout == "HELLO, ADA!\n"


def test_movie_stats_has_a_task_and_a_row_for_each_large_genre(run_example):
    pytest.importorskip("bokeh_sampledata")

    run = run_example("movie_stats.py", "MovieStats", "--least", "1000")

    genres = {stats.genre for stats in run.data.stats}
    assert {"Drama", "Comedy", "Documentary"} <= genres
    assert "Western" not in genres  # fewer than 1,000 movies
    assert len(list(run["analyse"])) == len(genres) == run.data.table.count("\n")
    medians = [stats.meter[1] for stats in run.data.stats]
    assert medians == sorted(medians, reverse=True)


def test_model_selection_keeps_the_model_that_scored_best(run_example):
    pytest.importorskip("sklearn")

    run = run_example("model_selection.py", "ModelSelection", "--folds", "3")

    scores = {task.data.label: task.data.score for task in run["evaluate"]}
    assert len(scores) == 5
    assert run.data.label == max(scores, key=lambda label: scores[label])
    assert run.data.accuracy > 0.95
    assert run.data.model.predict(run.data.test_images[:1]).shape == (1,)


@pytest.mark.parametrize("page", ["README.md", "docs/index.md"])
def test_the_flow_on_the_first_page_adds_up_squares(page, run_example, tmp_path):
    flow = tmp_path / "squares.py"
    flow.write_text(PYTHON_BLOCK.findall((ROOT / page).read_text())[0])

    run = run_example(str(flow), "Squares")

    assert run.data.total == 285
    assert run["end"].task.stdout == "285\n"


def test_the_flow_of_the_tutorial_counts_words(run_example, tmp_path):
    flow = tmp_path / "words.py"
    flow.write_text(PYTHON_BLOCK.findall((ROOT / "docs/tutorials/first-flow.md").read_text())[0])

    run = run_example(str(flow), "Words", "--text", "to be\nor not to be")

    assert run.data.counts == {"to": 2, "be": 2, "or": 1, "not": 1}
    assert len(list(run["count"])) == 2
