"""Seeds of tasks."""

import random

import numpy.random  # NumPy imports it on first use, and only what is imported can be seeded

from stepwell.engines.randomness import seed_task
from stepwell.model.ids import TaskKey
from stepwell.model.run import RunInfo
from stepwell.model.task import TaskRequest


def _draws(seed, step="s", task="1"):
    info = RunInfo(flow="F", run="1", script="f.py", user="u", seed=seed)
    seed_task(info, TaskRequest(key=TaskKey("F", "1", step, task)))
    return random.random(), float(numpy.random.random())


# SPEC 7.1-5
def test_a_run_with_a_seed_repeats_the_numbers_of_each_task():
    assert _draws("42") == _draws("42")


# SPEC 7.1-5
def test_with_a_seed_each_task_and_step_has_numbers_of_its_own():
    drawn = {_draws("42"), _draws("42", task="2"), _draws("42", step="t"), _draws("43")}

    assert len(drawn) == 4


# SPEC 7.1-5
def test_without_a_seed_numpy_is_seeded_afresh():
    assert _draws(None)[1] != _draws(None)[1]
