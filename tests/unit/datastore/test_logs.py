from hypothesis import given
from hypothesis import strategies as st

from stepwell.datastore.logs import Logs, LogWriter, whole_lines
from stepwell.datastore.reused_tasks import ReusedTasks
from stepwell.model.ids import TaskKey
from stepwell.storages.memory import MemoryStorage

KEY = TaskKey("Flow", "1", "start", "1")


# SPEC 8.1-1
@given(st.lists(st.tuples(st.sampled_from(["stdout", "stderr"]), st.binary(max_size=20) | st.just(b"a\n"))))
def test_a_log_gives_back_what_was_printed(chunks):
    writer, logs = LogWriter(), logs_in(MemoryStorage())
    for stream, data in chunks:
        writer.feed(stream, 1.0, data)
    writer.say("stderr", 1.5, "ours")
    writer.finish(2.0)
    logs.write(KEY, 0, writer)
    for stream in ("stdout", "stderr"):
        assert logs.read(KEY, 0, stream) == b"".join(data for s, data in chunks if s == stream)


def logs_in(storage) -> Logs:
    return Logs(storage, ReusedTasks(storage))


def test_lines_come_out_when_they_are_complete():
    writer = LogWriter()
    assert writer.feed("stdout", 1.0, b"on") == []
    assert [line.data for line in writer.feed("stdout", 2.0, b"e\ntwo\nthr")] == [b"one\n", b"two\n"]
    assert [line.data for line in writer.finish(3.0)] == [b"thr"]


def test_a_line_that_never_ends_is_not_held_in_memory():
    writer, logs = LogWriter(), logs_in(MemoryStorage())
    lines = writer.feed("stdout", 1.0, b"x" * 1_000_000)
    writer.finish(2.0)
    logs.write(KEY, 0, writer)
    assert lines and logs.read(KEY, 0, "stdout") == b"x" * 1_000_000


# SPEC 8.1-4
def test_a_large_log_keeps_both_ends_and_says_what_is_missing():
    writer, logs = LogWriter(100), logs_in(MemoryStorage())
    for number in range(100):
        writer.feed("stdout", 1.0, b"line %3d\n" % number)
    logs.write(KEY, 0, writer)
    text = logs.read(KEY, 0, "stdout")
    assert text.startswith(b"line   0\n") and text.endswith(b"line  99\n")
    assert b"810 bytes are missing" in text


# SPEC 8.1-1
@given(
    st.lists(st.tuples(st.sampled_from(["stdout", "stderr"]), st.sampled_from([b"x" * 70_000, b"a\n", b"b"])))
)
def test_lines_are_whole_however_long_they_are_and_whatever_comes_between(chunks):
    writer, logs = LogWriter(), logs_in(MemoryStorage())
    for stream, data in chunks:
        writer.feed(stream, 1.0, data)
    writer.finish(2.0)
    logs.write(KEY, 0, writer)

    lines = list(whole_lines(logs.lines(KEY, 0)))

    for stream in ("stdout", "stderr"):
        printed = b"".join(data for s, data in chunks if s == stream)
        assert [line.data for line in lines if line.stream == stream] == printed.splitlines(keepends=True)


# SPEC 8.1-4
def test_that_bytes_are_missing_is_said_on_a_line_of_its_own():
    writer, logs = LogWriter(300_000), logs_in(MemoryStorage())
    writer.feed("stdout", 1.0, b"y" * 1_000_000)
    writer.finish(2.0)
    logs.write(KEY, 0, writer)

    read = logs.read(KEY, 0, "stdout").splitlines()
    lines = [line.data.rstrip(b"\n") for line in whole_lines(logs.lines(KEY, 0))]

    assert read == lines
    assert [set(line) for line in (read[0], read[2])] == [{ord("y")}] * 2
    assert read[1].startswith(b"[... ") and read[1].endswith(b"...]")


def test_nothing_printed_is_nothing_stored():
    storage = MemoryStorage()
    logs_in(storage).write(KEY, 0, LogWriter())
    assert list(storage.list("")) == []
