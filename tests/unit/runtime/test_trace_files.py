"""What traces are made of: the context that processes agree on, and the file that all of them append to."""

import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.exceptions import UsageError
from stepwell.model.trace import TraceEvent
from stepwell.runtime.tracing.trace_context import TraceContext
from stepwell.runtime.tracing.trace_file import TraceFile, TraceReader

_HEX = st.text("0123456789abcdef", min_size=1, max_size=32)


def event(number: int) -> TraceEvent:
    return TraceEvent(at=float(number), event="task_ready", seconds=0.0, task=str(number))


@given(_HEX)
def test_a_context_is_read_back_as_it_was_written(seed):
    context = TraceContext(seed.rjust(32, "1"), seed[:16].rjust(16, "1"))

    assert TraceContext.parse(str(context)) == context


@given(st.text(max_size=60))
def test_what_is_no_context_is_none(text):
    valid = re.fullmatch(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", text.strip())

    assert valid or TraceContext.parse(text) is None


@pytest.mark.parametrize("text", [f"00-{'0' * 32}-{'1' * 16}-01", f"00-{'1' * 32}-{'0' * 16}-01", ""])
def test_ids_of_zeros_are_none(text):
    assert TraceContext.parse(text) is None


def test_every_process_gives_a_place_the_same_span_and_places_differ():
    run = TraceContext.new()

    again = TraceContext.parse(str(run))

    assert again is not None and again.child("fit", "3", "0") == run.child("fit", "3", "0")
    assert len({run.child("fit").span, run.child("fit", "3").span, run.child("fit", "3", "0").span}) == 3
    assert run.child("fit").trace == run.trace


def test_a_reader_yields_each_event_once_and_no_half_of_one(tmp_path):
    path = str(tmp_path / "trace.jsonl")
    file = TraceFile.begin(path)
    reader = TraceReader(path)
    file.append(event(1))
    with open(path, "ab") as cut:
        cut.write(b'{"at":2.0,"event":"task_')

    first = list(reader.events())
    with open(path, "ab") as rest:
        rest.write(b'ready","seconds":0.0,"task":"2"}\n')
    file.append(event(3))

    assert first == [event(1)]
    assert list(reader.events()) == [event(2), event(3)]
    reader.close()
    file.close()


def test_lines_of_several_processes_stay_whole(tmp_path):
    path = str(tmp_path / "trace.jsonl")
    file = TraceFile.begin(path)
    children = [_appending(file, number) for number in range(4)]
    for pid in children:
        assert os.waitpid(pid, 0)[1] == 0

    reader = TraceReader(path)
    found = sorted(int(one.task) for one in reader.events())

    assert found == sorted(number for number in range(4) for _ in range(200))
    reader.close()
    file.close()


def _appending(file: TraceFile, number: int) -> int:
    pid = os.fork()
    if not pid:
        for _ in range(200):
            file.append(event(number))
        os._exit(0)
    return pid


def test_a_file_in_no_folder_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="cannot be written"):
        TraceFile.begin(str(tmp_path / "no" / "trace.jsonl"))
