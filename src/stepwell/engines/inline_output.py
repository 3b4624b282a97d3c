"""What a task writes while it runs in this very process: taken in as it comes, by a thread beside it."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, NamedTuple

from stepwell.engine.engine import Meanwhile
from stepwell.engine.handle import Stream, TaskAttended, TaskHandle, TaskOutput
from stepwell.engines.logged_stream import logged_stream
from stepwell.engines.streams import unbuffered

_CHUNK = 1 << 20

_LOOK_EVERY_S = 0.25


class _File(NamedTuple):
    """A file that has two descriptors: each has a place of its own in it."""

    written: IO[bytes]
    read: IO[bytes]

    def close(self) -> None:
        self.read.close()
        self.written.close()
        Path(self.written.name).unlink(missing_ok=True)


def _written_and_read() -> _File:
    written = tempfile.NamedTemporaryFile(buffering=0, delete=False)  # noqa: SIM115 - `close` is called
    read = open(written.name, "rb", buffering=0)  # noqa: SIM115
    with contextlib.suppress(PermissionError):  # Windows: as long as it is open, it has a name
        Path(written.name).unlink()
    return _File(written, read)


class InlineOutput:
    """Captures file descriptors 1 and 2 while inside, also for child processes, and Python's streams.

    ``breakpoint()`` gets the original streams, and the task has them from there on as well.

    Parameters
    ----------
    meanwhile
        Gets what comes, a few times a second. None, and what a short task leaves, is for `rest`.
    """

    def __init__(self, handle: TaskHandle, meanwhile: Meanwhile | None) -> None:
        self._handle = handle
        self._meanwhile = meanwhile
        # Files: a step that never lets another thread run would fill a pipe, and wait for ever.
        out, err = _written_and_read(), _written_and_read()
        self._files: dict[Stream, _File] = {"stdout": out, "stderr": err}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._failure: BaseException | None = None
        self._reader = threading.Thread(target=self._follow, name="stepwell-output", daemon=True)
        self._capture = _captured(out.written.fileno(), err.written.fileno(), self._give_terminal)

    def __enter__(self) -> None:
        self._capture.__enter__()
        if self._meanwhile is not None:
            self._reader.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._capture.__exit__(kind, error, trace)
        self._over.set()
        if self._meanwhile is not None:
            self._reader.join()

    def rest(self) -> Iterator[TaskOutput]:
        """Yield what has not been told; then raise what went wrong in telling the beginning."""
        yield from self._unread()
        for file in self._files.values():
            file.close()
        if self._failure is not None:
            raise self._failure

    def _unread(self) -> Iterator[TaskOutput]:
        for stream, file in self._files.items():
            while data := file.read.read(_CHUNK):
                yield TaskOutput(self._handle, stream, time.time(), data)

    def _follow(self) -> None:
        try:
            while not self._over.wait(_LOOK_EVERY_S):
                self._tell()
        except BaseException as error:  # noqa: BLE001 - raised where the task's end is told
            self._failure = error

    def _tell(self) -> None:
        if self._meanwhile is not None:
            with self._lock:
                for report in self._unread():
                    self._meanwhile([report])
                self._meanwhile([])

    def _give_terminal(self) -> None:
        self._tell()
        if self._meanwhile is not None:
            with self._lock:
                self._meanwhile([TaskAttended(self._handle, time.time())])


@contextlib.contextmanager
def _captured(out: int, err: int, give_terminal: Callable[[], None]) -> Generator[None]:
    """Point descriptors 1 and 2, and Python's streams, at these for a while."""
    streams = sys.stdout, sys.stderr
    for stream in streams:
        stream.flush()
    saved = os.dup(1), os.dup(2)
    hook = sys.breakpointhook
    os.dup2(out, 1)
    os.dup2(err, 2)
    sys.stdout = unbuffered(1, "surrogateescape")
    sys.stderr = unbuffered(2, "backslashreplace")
    if hook is sys.__breakpointhook__:
        sys.breakpointhook = _debugger_on(saved, give_terminal)
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr, *streams):
            # A step may have closed the streams, or put something else in their place.
            with contextlib.suppress(ValueError, AttributeError, OSError):
                stream.flush()
        sys.stdout, sys.stderr = streams
        sys.breakpointhook = hook
        for own, fd in zip(saved, (1, 2), strict=True):
            os.dup2(own, fd)
            os.close(own)


def _debugger_on(terminal: tuple[int, int], give_terminal: Callable[[], None]) -> Callable[..., object]:
    is_given = False

    def breakpoint_here(*args: object, **kwargs: object) -> None:
        del args, kwargs
        import pdb  # this is what `breakpoint()` in a user's step asks for

        nonlocal is_given
        if not is_given:
            give_terminal()
            sys.stdout = logged_stream(terminal[0], 1, "surrogateescape")
            sys.stderr = logged_stream(terminal[1], 2, "backslashreplace")
            is_given = True
        stream = os.fdopen(os.dup(terminal[0]), "w", buffering=1)
        pdb.Pdb(stdout=stream).set_trace(sys._getframe(1))  # pyright: ignore[reportPrivateUsage] - as pdb itself does

    return breakpoint_here
