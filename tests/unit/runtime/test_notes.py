"""``current.log`` and ``current.metric``: what a step says of itself."""

import json
import math
import os
import threading
from itertools import pairwise

import numpy as np
import pytest
from one_task import Tasks

from stepwell import FlowSpec, current, step
from stepwell.exceptions import DataException
from stepwell.runtime.task.notes import FACTS_SIZE, SERIES_COUNT, SERIES_LENGTH, Notes


@pytest.fixture
def notes():
    return Notes()


def facts_of(notes):
    return {name: json.loads(text) for name, text in notes.facts().items()}


def series_of(notes, name):
    return [(point.step, point.value) for point in notes.metrics()[name]]


class Training(FlowSpec):
    @step
    def start(self):
        current.log(rows=np.int64(5), source="été")
        current.metric("loss", 0.5)
        current.metric("loss", np.float32(0.25), step=10)
        self.next(self.end)

    @step
    def end(self):
        pass


class Failing(FlowSpec):
    @step
    def start(self):
        current.log(rows=1)
        if current.is_running_flow:
            raise ValueError("no")
        self.next(self.end)

    @step
    def end(self):
        pass


# SPEC 11.3-3
def test_what_a_step_says_is_in_its_pack_and_in_no_other():
    tasks = Tasks(Training)

    start = tasks.ok("start")
    end = tasks.pack(tasks.ok("end", after=[start]))

    pack = tasks.pack(start)
    assert pack.facts == {"rows": "5", "source": json.dumps("été")}
    assert [(point.step, point.value) for point in pack.metrics["loss"]] == [(0.0, 0.5), (10.0, 0.25)]
    assert (end.facts, end.metrics) == ({}, {})


# SPEC 11.3-3
def test_a_failed_task_keeps_what_it_said():
    tasks = Tasks(Failing)

    assert not tasks.run("start").ok

    assert tasks.failure("start").facts == {"rows": "1"}


@pytest.mark.parametrize("say", [lambda: current.log(a=1), lambda: current.metric("a", 1)])
def test_outside_of_a_task_nothing_can_be_said(say):
    with pytest.raises(DataException, match="in a step only"):
        say()


class Forking(FlowSpec):
    @step
    def start(self):
        child = os.fork()
        if child == 0:
            try:
                current.log(a=1)
            except DataException as error:
                os._exit(3 if "child process" in str(error) else 4)
            os._exit(5)
        self.code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        self.next(self.end)

    @step
    def end(self):
        pass


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_process_is_told_that_its_words_would_be_lost():
    tasks = Tasks(Forking)

    assert tasks.value(tasks.ok("start"), "code") == 3


def test_the_latest_value_of_a_fact_stands_and_is_a_copy(notes):
    listed = [1, {"a": None}]
    notes.log({"x": 1, "y": listed})
    listed.append(2)
    notes.log({"x": True})

    assert facts_of(notes) == {"x": True, "y": [1, {"a": None}]}


@pytest.mark.parametrize(
    ("value", "kept"),
    [(np.float32(0.5), 0.5), (np.bool_(True), True), (np.array(3), 3), (2**80, 2**80), ("\ud800", "\ud800")],
)
def test_a_fact_may_be_a_scalar_of_numpy_a_large_number_or_odd_text(notes, value, kept):
    notes.log({"x": value})

    assert facts_of(notes) == {"x": kept}


def circle():
    ring = []
    ring.append(ring)
    return ring


@pytest.mark.parametrize("value", [object(), np.zeros(3), {1, 2}, b"x", circle(), {(1, 2): 3}, [print]])
def test_what_json_cannot_hold_is_refused_by_name_and_nothing_of_the_call_is_kept(notes, value):
    with pytest.raises(DataException, match=r"current\.log\(rows=\.\.\.\).*artifact"):
        notes.log({"good": 1, "rows": value})
    assert notes.facts() == {}


def test_facts_are_bounded_in_all(notes):
    notes.log({"x": "a" * (FACTS_SIZE // 2)})

    with pytest.raises(DataException, match="artifacts"):
        notes.log({"y": "a" * (FACTS_SIZE // 2)})
    notes.log({"x": 1})
    assert facts_of(notes) == {"x": 1}


@pytest.mark.parametrize("name", ["", "a\nb", "\ud800", "n" * 201, 3])
def test_names_are_short_and_printable(notes, name):
    with pytest.raises(DataException, match="got the name"):
        notes.metric(name, 1, None)
    with pytest.raises(DataException, match="got the name"):
        notes.log({name: 1})


@pytest.mark.parametrize("value", ["1", b"1", None, [1], 10**400, 1j, np.zeros(2)])
def test_a_metric_is_a_number_at_a_number(notes, value):
    with pytest.raises(DataException, match=r"current\.metric\('loss', \.\.\.\)` takes a number as value"):
        notes.metric("loss", value, None)
    if value is not None:
        with pytest.raises(DataException, match="takes a number as step"):
            notes.metric("loss", 1, value)
    assert notes.metrics() == {}


def test_a_metric_that_is_no_number_any_more_is_kept_as_such(notes):
    notes.metric("loss", math.nan, None)

    assert math.isnan(series_of(notes, "loss")[0][1])


def test_a_long_series_is_thinned_out_evenly_and_keeps_first_and_latest(notes):
    count = 5 * SERIES_LENGTH + 3
    for number in range(count):
        notes.metric("loss", -number, None)

    points = series_of(notes, "loss")

    steps = [place for place, _ in points]
    assert SERIES_LENGTH / 2 <= len(points) <= SERIES_LENGTH + 1
    assert steps[0] == 0 and steps[-1] == count - 1
    assert {after - before for before, after in pairwise(steps[:-1])} == {8.0}
    assert all(value == -place for place, value in points)


def test_the_number_of_series_is_bounded(notes):
    for number in range(SERIES_COUNT):
        notes.metric(f"loss/{number}", 1, None)

    with pytest.raises(DataException, match="not in the name"):
        notes.metric("one more", 1, None)
    notes.metric("loss/0", 2, None)
    assert len(series_of(notes, "loss/0")) == 2


def test_threads_may_write_at_once(notes):
    def write(name):
        for number in range(200):
            notes.metric("shared", number, None)
            notes.log({f"{name}-{number % 5}": number})

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [place for place, _ in series_of(notes, "shared")] == list(range(800))
    assert len(notes.facts()) == 20
