"""What a task printed, as text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from stepwell.client.stored import StoredTask
from stepwell.datastore.log_records import whole_lines

Stream = Literal["stdout", "stderr"]


def text(task: StoredTask, stream: Stream) -> str:
    """Return all that the attempt printed to the stream."""
    return printed(task, stream).decode(errors="replace")


def printed(task: StoredTask, stream: Stream) -> bytes:
    """Return the bytes that the attempt printed to the stream."""
    return task.run.connection.stores.datastore.logs.read(task.key, task.attempt, stream)


def lines(task: StoredTask, stream: Stream, as_unicode: bool) -> Iterator[tuple[datetime, str | bytes]]:
    """Yield the stream's lines without their newlines, each with the time when it was printed."""
    for line in whole_lines(task.run.connection.stores.datastore.logs.lines(task.key, task.attempt)):
        if line.stream == stream and line.source == "task":
            data = line.data.removesuffix(b"\n")
            shown = data.decode(errors="replace") if as_unicode else data
            yield datetime.fromtimestamp(line.at), shown
