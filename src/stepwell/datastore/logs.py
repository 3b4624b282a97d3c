"""What attempts have printed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from stepwell.datastore.layout import log_key
from stepwell.datastore.log_reader import LogReader
from stepwell.datastore.log_records import LogLine, Source, Stream
from stepwell.datastore.log_scrubbing import LogScrubber, Scrubbing
from stepwell.datastore.log_writer import LogWriter
from stepwell.datastore.storage import Storage
from stepwell.model.ids import TaskKey


class Logs:
    """Logs of one datastore. Those of a reused or cached task are read where it ran.

    Parameters
    ----------
    ran_as
        Says which attempt an attempt stands for, if it did not run itself.
    """

    def __init__(
        self, storage: Storage, ran_as: Callable[[TaskKey, int], tuple[TaskKey, int] | None]
    ) -> None:
        self._storage = storage
        self._ran_as = ran_as

    def writer(self, key: TaskKey, attempt: int, max_size: int | None = None) -> LogWriter:
        """Return what writes the log of an attempt; if there is one, it adds to it."""
        return LogWriter(self._storage, key, attempt, max_size)

    def reader(self, key: TaskKey, attempt: int) -> LogReader:
        """Return what reads the log of an attempt, from its beginning."""
        return LogReader(self._storage, *self._home(key, attempt))

    def lines(self, key: TaskKey, attempt: int) -> Iterator[LogLine]:
        """Yield the attempt's records in the order in which they came; `whole_lines` makes lines of them."""
        return self.reader(key, attempt).read()

    def read(self, key: TaskKey, attempt: int, stream: Stream, source: Source | None = "task") -> bytes:
        """Return what the attempt printed; with ``source`` None, our own lines too.

        Where something is missing, the line that says so stands in the text whatever the source.
        """
        pieces: list[bytes] = []
        for line in self.lines(key, attempt):
            if line.stream == stream and (line.is_notice or source in (None, line.source)):
                if line.is_notice and pieces and not pieces[-1].endswith(b"\n"):
                    pieces.append(b"\n")  # what was cut off may be the end of a line
                pieces.append(line.data)
        return b"".join(pieces)

    def scrub(self, key: TaskKey, attempt: int, asked: Scrubbing) -> int:
        """Take text out of the attempt's log, where it lies; return how many bytes were taken out."""
        return LogScrubber(self._storage, *self._home(key, attempt), asked).scrub()

    def _home(self, key: TaskKey, attempt: int) -> tuple[TaskKey, int]:
        """Return the attempt whose log stands for that of this one."""
        if self._storage.size(log_key(key, attempt, 0)) is not None:
            return key, attempt
        origin = self._ran_as(key, attempt)
        return (key, attempt) if origin is None else self._home(*origin)
