"""The wire between run process and launcher."""

from stepwell.engines.local.messages import Began, Ended, FrameReader, Launch, frame, parse_said, raw, said
from stepwell.model.ids import TaskKey
from stepwell.model.task import ErrorInfo, TaskOutcome, TaskRef, TaskRequest


def test_messages_survive_being_cut_at_any_byte():
    sent = [Began(1, 2, 3.0), Ended(1, 4.0, -9, error="gone"), Began(5, 6, 7.0)]
    data = b"".join(frame(message) for message in sent)
    reader = FrameReader()

    received = [message for byte in data for message in reader.feed(bytes([byte]))]

    assert received == sent


def test_a_join_over_20_000_parents_fits_into_a_message():
    parents = tuple(TaskRef("work", str(number)) for number in range(20_000))
    launch = Launch(1, raw(TaskRequest(key=TaskKey("F", "1", "join", "x"), parents=parents)))

    (received,) = FrameReader().feed(frame(launch))

    assert bytes(received.request) == bytes(launch.request)


def test_a_long_outcome_does_not_travel():
    error = ErrorInfo("ValueError", "x" * 200_000)

    assert said(1, TaskOutcome(ok=False, started_at=0.0, ended_at=1.0, error=error)) is None


def test_a_datagram_that_is_none_of_ours_is_ignored():
    assert parse_said(b"\xc1 not ours") is None
