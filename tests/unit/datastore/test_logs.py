import re
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from stepwell.datastore.log_records import whole_lines
from stepwell.datastore.log_writer import FULL_SEGMENT
from stepwell.datastore.logs import Logs
from stepwell.model.ids import TaskKey
from stepwell.storages.memory import MemoryStorage

KEY = TaskKey("Flow", "1", "start", "1")


def logs_in(storage) -> Logs:
    return Logs(storage, lambda key, attempt: None)


def written(chunks, max_size=None, save_after=()):
    """Store a log of these chunks, saving also after some of them; return the logs."""
    logs = logs_in(MemoryStorage())
    writer = logs.writer(KEY, 0, max_size)
    for number, (stream, data) in enumerate(chunks):
        writer.feed(stream, float(number), data)
        if number in save_after:
            writer.save()
    writer.finish(float(len(chunks)))
    writer.save()
    return logs


def printed(chunks, stream):
    return b"".join(data for name, data in chunks if name == stream)


# "\r" is not among them: of a line that it writes over, only the last state stays.
BYTES = st.binary(max_size=20).map(lambda data: data.replace(b"\r", b"")) | st.just(b"a\n")
STREAMS = st.sampled_from(["stdout", "stderr"])


# SPEC 8.1-1
# SPEC 8.1-3
@given(st.lists(st.tuples(STREAMS, BYTES)), st.sets(st.integers(0, 20)))
def test_a_log_gives_back_what_was_printed(chunks, save_after):
    logs = written(chunks, save_after=save_after)
    for stream in ("stdout", "stderr"):
        assert logs.read(KEY, 0, stream) == printed(chunks, stream)


# SPEC 8.1-1
def test_our_own_lines_are_told_apart():
    logs = logs_in(MemoryStorage())
    writer = logs.writer(KEY, 0)
    writer.feed("stderr", 1.0, b"theirs\n")
    writer.say("stderr", 1.5, "ours")
    writer.save()
    assert logs.read(KEY, 0, "stderr") == b"theirs\n"
    assert logs.read(KEY, 0, "stderr", None) == b"theirs\nours\n"


# SPEC 8.1-2
@given(st.lists(st.tuples(STREAMS, BYTES)), st.sets(st.integers(0, 20)), st.sets(st.integers(0, 20)))
def test_who_follows_a_growing_log_sees_each_record_once(chunks, save_after, read_after):
    logs = logs_in(MemoryStorage())
    writer, reader = logs.writer(KEY, 0), logs.reader(KEY, 0)
    seen = []
    for number, (stream, data) in enumerate(chunks):
        writer.feed(stream, float(number), data)
        if number in save_after:
            writer.save()
        if number in read_after:
            seen += reader.read(is_all=False)
    writer.finish(99.0)
    writer.save()
    seen += reader.read()

    assert seen == list(logs.lines(KEY, 0))


# SPEC 8.1-2
def test_what_there_is_of_a_line_is_readable_and_then_replaced():
    logs = logs_in(MemoryStorage())
    writer, reader = logs.writer(KEY, 0), logs.reader(KEY, 0)
    writer.feed("stdout", 1.0, b"so far")
    writer.save()
    before = logs.read(KEY, 0, "stdout"), list(reader.read(is_all=False))
    writer.feed("stdout", 2.0, b", so good\n")
    writer.save()

    assert before == (b"so far", [])
    assert [line.data for line in reader.read(is_all=False)] == [b"so far, so good\n"]
    assert logs.read(KEY, 0, "stdout") == b"so far, so good\n"


# SPEC 8.1-5
def test_what_was_saved_outlives_a_writer_that_vanishes():
    storage = MemoryStorage()
    first = logs_in(storage).writer(KEY, 0)
    first.feed("stdout", 1.0, b"one\ntw")
    first.save()
    first.feed("stdout", 2.0, b"o\nlost\n")

    second = logs_in(storage).writer(KEY, 0)
    second.feed("stdout", 3.0, b"again\n")
    second.save()

    assert logs_in(storage).read(KEY, 0, "stdout") == b"one\ntwagain\n"


class Vanishing(MemoryStorage):
    """Lets a process do so many more changes, then it is as if it were killed."""

    def __init__(self, changes):
        super().__init__()
        self.left = changes

    def write(self, key, data):
        self._change()
        return super().write(key, data)

    def replace(self, key, data):
        self._change()
        super().replace(key, data)

    def _change(self):
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1


# SPEC 8.1-5
@given(st.integers(0, 150), st.sampled_from([None, 60, 600]))
def test_whenever_the_writer_is_killed_all_that_was_saved_is_there_or_counted(changes, max_size):
    storage = Vanishing(changes)
    writer = logs_in(storage).writer(KEY, 0, max_size)
    whole, saved = b"", 0
    with suppress(KeyboardInterrupt):
        for number in range(100):
            line = b"line %3d of many" % number + b"\n" * (number % 3 > 0)
            whole += line
            writer.feed("stdout", float(number), line)
            writer.save()
            saved = len(whole)

    at = 0
    for line in logs_in(storage).lines(KEY, 0):
        if line.is_notice:
            at += int(line.data.split()[1])
        else:
            assert whole[at:].startswith(line.data)
            at += len(line.data)
    assert saved <= at <= len(whole)


# SPEC 8.1-4
@given(
    st.lists(st.tuples(STREAMS, st.sampled_from([b"line\n", b"a longer line than the others\n", b"x"]))),
    st.sets(st.integers(0, 100)),
    st.integers(2, 200),
)
def test_of_a_large_log_both_ends_are_kept_and_the_rest_is_counted(chunks, save_after, max_size):
    logs = written(chunks, max_size, save_after)
    for stream in ("stdout", "stderr"):
        kept, whole = logs.read(KEY, 0, stream), printed(chunks, stream)
        begin, notice, end = kept.partition(b"[... ")
        if not notice:
            assert kept == whole
            continue
        missing = int(end.split()[0])
        end = end.partition(b"...]\n")[2]
        assert len(end) >= min(max_size // 2, len(whole) - len(begin) - missing)
        assert whole.startswith(begin.rstrip(b"\n")) and whole.endswith(end)
        assert len(whole) - len(end) - missing in (len(begin), len(begin) - 1)
        assert len(begin) <= max_size // 2 + 1
        assert missing > 0


# SPEC 8.1-4
def test_a_large_log_keeps_both_ends_and_says_what_is_missing():
    logs = written([("stdout", b"line %3d\n" % number) for number in range(100)], 200)
    text = logs.read(KEY, 0, "stdout")
    assert text.startswith(b"line   0\n") and text.endswith(b"line  99\n")
    [notice] = [line for line in text.splitlines(keepends=True) if line.startswith(b"[... ")]
    kept = len(text) - len(notice)
    assert abs(900 - kept - int(notice.split()[1])) <= 1  # the notice may have ended a line
    assert 200 <= kept <= 100 + 17 * 12


# SPEC 8.1-4
def test_what_a_large_log_takes_is_bounded():
    storage = MemoryStorage()
    writer = logs_in(storage).writer(KEY, 0, 400_000)
    for number in range(3_000):
        writer.feed("stdout", 1.0, b"y" * 999 + b"\n")
        if number % 100 == 0:
            writer.save()
    writer.save()
    sizes = [storage.size(key) or 0 for key in storage.list("")]
    assert sum(sizes) <= 440_000
    assert len(sizes) <= 25


# SPEC 8.1-4
@given(st.sets(st.integers(0, 99)), st.integers(50, 2_000))
def test_who_follows_a_log_that_is_cut_sees_everything_or_is_told(read_after, max_size):
    logs = logs_in(MemoryStorage())
    writer, reader = logs.writer(KEY, 0, max_size), logs.reader(KEY, 0)
    seen = []
    for number in range(100):
        writer.feed("stdout", float(number), b"line %3d\n" % number)
        writer.feed("stderr", float(number), b"%d\n" % number)
        writer.save()
        if number in read_after:
            seen += reader.read(is_all=False)
    seen += reader.read()

    whole = b"".join(b"line %3d\n" % number for number in range(100))
    at = 0
    for line in seen:
        if line.stream == "stdout" and line.is_notice:
            at += int(line.data.split()[1])
        elif line.stream == "stdout":
            assert whole[at:].startswith(line.data)
            at += len(line.data)
    assert at == len(whole)
    assert [line.at for line in seen] == sorted(line.at for line in seen)


# SPEC 8.1-2
def test_a_slow_log_takes_few_objects():
    storage = MemoryStorage()
    writer = logs_in(storage).writer(KEY, 0, 10_000_000)
    for number in range(5_000):
        writer.feed("stdout", float(number), b"one line of a task that goes on for hours\n")
        writer.save()
    assert len(list(storage.list(""))) <= 1 + 5_000 * 60 // FULL_SEGMENT


# SPEC 8.1-3
def test_streams_come_together_by_time_even_if_the_clock_is_set_back():
    logs = logs_in(MemoryStorage())
    writer = logs.writer(KEY, 0, 40)
    for number in range(20):
        writer.feed("stdout", 1000.0 - number, b"out %2d\n" % number)
        writer.feed("stderr", 1000.0 - number, b"err %2d\n" % number)
        writer.save()
    for stream in ("out", "err"):
        lines = re.findall(rb"%s (..)" % stream.encode(), logs.read(KEY, 0, f"std{stream}"))
        assert lines == sorted(lines)


# SPEC 8.1-1
@given(st.lists(st.tuples(STREAMS, st.sampled_from([b"x" * 70_000, b"a\n", b"b"]))))
def test_lines_are_whole_however_long_they_are_and_whatever_comes_between(chunks):
    lines = list(whole_lines(written(chunks).lines(KEY, 0)))

    for stream in ("stdout", "stderr"):
        expected = printed(chunks, stream).splitlines(keepends=True)
        assert [line.data for line in lines if line.stream == stream] == expected


# SPEC 8.1-4
def test_that_bytes_are_missing_is_said_on_a_line_of_its_own():
    logs = written([("stdout", b"y" * 1_000_000)], 300_000)

    read = logs.read(KEY, 0, "stdout").splitlines()
    lines = [line.data.rstrip(b"\n") for line in whole_lines(logs.lines(KEY, 0))]

    assert read == lines
    assert [set(line) for line in (read[0], read[2])] == [{ord("y")}] * 2
    assert read[1].startswith(b"[... ") and read[1].endswith(b"...]")


def test_nothing_printed_is_nothing_stored():
    storage = MemoryStorage()
    writer = logs_in(storage).writer(KEY, 0)
    writer.save()
    writer.finish(1.0)
    writer.save()
    assert list(storage.list("")) == []


def test_a_short_log_is_one_object():
    storage = MemoryStorage()
    writer = logs_in(storage).writer(KEY, 0, 10_000_000)
    writer.feed("stdout", 1.0, b"one\n")
    writer.feed("stderr", 1.0, b"two")
    writer.finish(1.0)
    writer.save()
    assert len(list(storage.list(""))) == 1
