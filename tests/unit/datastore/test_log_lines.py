"""Lines out of bytes that come cut anywhere."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.datastore.log_lines import LONGEST_PIECE, LineCutter


def cut(*chunks):
    cutter = LineCutter()
    found = [line for chunk in chunks for line in cutter.feed(chunk)]
    return [*found, cutter.finish()]


def test_lines_come_out_when_they_are_complete():
    cutter = LineCutter()
    assert cutter.feed(b"on") == []
    assert cutter.begun == b"on"
    assert cutter.feed(b"e\ntwo\nthr") == [b"one\n", b"two\n"]
    assert cutter.finish() == b"thr"
    assert cutter.finish() == b""


# SPEC 8.1-3
@pytest.mark.parametrize(
    "chunks, lines",
    [
        ([b"10%\r20%\r30%\n"], [b"30%\n", b""]),
        ([b"10%", b"\r20%", b"\r", b"30%", b"\n", b"next"], [b"30%\n", b"next"]),
        ([b"\r10%\r20%"], [b"20%"]),
        ([b"10%\r20%\r"], [b"20%\r"]),
        ([b"dos\r\n", b"dos\r", b"\n"], [b"dos\r\n", b"dos\r\n", b""]),
        ([b"bar\r\r\n"], [b"bar\r\r\n", b""]),
        ([b"  indented\n", b"\tso\n"], [b"  indented\n", b"\tso\n", b""]),
        ([b"\xff\xfe\x00\n"], [b"\xff\xfe\x00\n", b""]),
    ],
)
def test_of_a_line_that_was_written_over_the_last_state_stays(chunks, lines):
    assert cut(*chunks) == lines


# SPEC 8.1-3
@given(st.lists(st.binary(max_size=9) | st.sampled_from([b"\r", b"\n", b"\r\n", b"a\rb"])))
def test_it_does_not_matter_how_bytes_are_cut(chunks):
    whole = b"".join(chunks)

    assert b"".join(cut(*chunks)) == b"".join(cut(whole))
    assert b"".join(cut(whole)) == re.sub(rb"[^\n]*\r(?=[^\n\r])", b"", whole)


# SPEC 8.1-3
def test_a_progress_bar_is_not_held_in_memory():
    cutter = LineCutter()
    for number in range(100_000):
        assert cutter.feed(b"\r%6d of 100000" % number) == []
    assert cutter.begun == b" 99999 of 100000"


def test_a_line_that_never_ends_is_not_held_in_memory():
    cutter = LineCutter()
    pieces = cutter.feed(b"x" * 1_000_000)
    assert len(cutter.begun) <= LONGEST_PIECE
    assert b"".join([*pieces, cutter.finish()]) == b"x" * 1_000_000
