"""What a step reads that is another in each run."""

import datetime
import importlib
import time
from pathlib import Path

import pytest

import stepwell
from stepwell import FlowSpec, Run, current, step
from stepwell.definition.run_bound import run_bound_reads
from stepwell.definition.step_code import step_code

later = time.time


def stamp():
    return time.time_ns()


class Ours:
    """No class of the client, and no `current`."""

    run_id = task_id = "ours"

    def now(self):
        return self


class Reads(FlowSpec):
    @step
    def start(self):
        self.a = current.run_id, current.retry_count, current.get("task_id")
        self.next(self.clock)

    @step
    def clock(self):
        self.a = datetime.datetime.now(), datetime.date.today(), later(), stamp()
        self.next(self.inner)

    @step
    def inner(self):
        from datetime import datetime as moment
        from time import time as seconds

        self.a = moment.utcnow(), seconds()
        self.next(self.client)

    @step
    def client(self):
        self.a = Run("F/1"), stepwell.Flow("F")
        self.next(self.end)

    @step
    def end(self):
        current_ours = Ours()
        self.a = current.step_name, current_ours.run_id, current_ours.now(), time.sleep(0), time.monotonic()


def reads(name):
    return {text: where for text, where in run_bound_reads(step_code(Reads, name))}


# SPEC 7.5-4
@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("start", {"current.run_id", "current.retry_count"}),
        ("clock", {"datetime.datetime.now", "datetime.date.today", "later", "time.time", "time.time_ns"}),
        ("inner", {"moment.utcnow", "seconds"}),
        ("client", {"Run", "stepwell.Flow"}),
        ("end", set()),
    ],
)
def test_ids_attempts_the_clock_and_the_client_are_found_whatever_they_are_called(name, found):
    assert set(reads(name)) == found


def test_each_is_told_with_its_place():
    file, line = reads("clock")["time.time_ns"].rsplit(":", 1)

    source = importlib.import_module(__name__).__file__
    assert source.endswith(file)
    assert "time.time_ns" in Path(source).read_text().splitlines()[int(line) - 1]
