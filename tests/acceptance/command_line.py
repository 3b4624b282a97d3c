"""Flows as a user starts them: real processes in a folder of their own."""

import fcntl
import os
import pty
import re
import select
import sqlite3
import struct
import subprocess
import sys
import termios
import time
from contextlib import closing
from pathlib import Path
from typing import Any

PATIENCE_S = 60
"""Far more than any of these commands needs: who exceeds it hangs."""

STEP = """
import os, sys, time, signal, threading, subprocess
from stepwell import FlowSpec, Parameter, step

class Small(FlowSpec):
    number = Parameter("number", default=1)

    @step
    def start(self):
        {body}
        self.next(self.end)

    @step
    def end(self):
        print("all is done")

if __name__ == "__main__":
    Small()
"""

WIDE = """
import os, time
from stepwell import FlowSpec, step

class Wide(FlowSpec):
    @step
    def start(self):
        self.items = range(40)
        self.next(self.work, foreach="items")

    @step
    def work(self):
        {body}
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Wide()
"""


class Folder:
    """A folder with flow files, in which commands are run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def root(self) -> Path:
        """Where runs of this folder keep their results."""
        return self.path / ".stepwell"

    def file(self, text: str, name: str = "flow.py") -> Path:
        """Write a file as it is."""
        file = self.path / name
        file.write_text(text, encoding="utf-8")
        return file

    def flow(self, *body: str, name: str = "flow.py") -> Path:
        """Write a flow of two steps, the first with this body."""
        return self.file(STEP.format(body="\n        ".join(body) or "pass"), name)

    def call(self, *args: str, **more: Any) -> subprocess.CompletedProcess[str]:
        """Run Python with these arguments to its end."""
        more.setdefault("cwd", self.path)
        more.setdefault("errors", "replace")
        if "stdin" not in more and "input" not in more:
            more["stdin"] = subprocess.DEVNULL
        return subprocess.run(
            [sys.executable, *args], capture_output=True, encoding="utf-8", timeout=PATIENCE_S, **more
        )

    def run(self, *options: str, **more: Any) -> subprocess.CompletedProcess[str]:
        """``python flow.py run OPTIONS``."""
        return self.call("flow.py", "run", *options, **more)

    def begin(self, *options: str, **more: Any) -> subprocess.Popen[bytes]:
        """Start ``python flow.py run OPTIONS`` and leave it running."""
        more.setdefault("cwd", self.path)
        with open(self.path / "out.txt", "wb") as out, open(self.path / "err.txt", "wb") as err:
            return subprocess.Popen(
                [sys.executable, "flow.py", "run", *options],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
                **more,
            )

    def states(self) -> list[str]:
        """Return what the index says of each run, the oldest first."""
        with closing(sqlite3.connect(self.root / "metadata.db")) as db:
            return [row[0] for row in db.execute("SELECT state FROM runs ORDER BY number")]


def words(done: subprocess.CompletedProcess[str]) -> str:
    """Return all that a command said; there must be no traceback of ours in it."""
    text = done.stdout + done.stderr
    ours = re.findall(r'File "[^"]*/stepwell/(?!examples)[^"]*"', text)
    assert not ours, text
    assert "Internal error" not in text, text
    return text


def until(true: Any, what: str, patience_s: float = 20.0) -> Any:
    """Return the first truth that ``true()`` gives."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        found = true()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"in {patience_s} s it did not come true that {what}")


def content(path: Path) -> str:
    """Return a file's text, empty while there is none."""
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


def alive_with(mark: str) -> list[int]:
    """Return the processes that have ``mark`` in their environment."""
    found: list[int] = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                if mark.encode() in (folder / "environ").read_bytes():
                    found.append(int(folder.name))
            except OSError:
                continue  # it has just ended
    return found


def nothing_left(mark: str) -> None:
    """Fail unless every process with the mark ends soon."""
    until(lambda: not alive_with(mark), "no process is left", patience_s=10)


_OF_THE_TERMINAL = ("CI", "NO_COLOR", "COLUMNS")


def on_terminal(folder: Path, *args: str, typed: dict[str, str] | None = None, **more: Any) -> str:
    """Run Python with these arguments on a terminal of its own; return all that the terminal was sent.

    ``typed`` has what is typed, one after another, each as soon as a text has been seen.
    """
    return answered_on_terminal(folder, *args, typed=list((typed or {}).items()), **more)[0]


def answered_on_terminal(
    folder: Path,
    *args: str,
    typed: list[tuple[str, str]],
    terminal: str = "xterm",
    columns: int = 120,
    **variables: str,
) -> tuple[str, int]:
    """Do what `on_terminal` does; return the exit code as well. The terminal rules the command's jobs."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = {
        name: value for name, value in os.environ.items() if name not in ("CI", "NO_COLOR", "COLUMNS")
    }
    command = [sys.executable, *args]
    sent, seen, waiting = bytearray(), 0, list(typed)
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**environment, "TERM": terminal, **variables},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=_control_terminal,
    ) as process:
        os.close(theirs)
        try:
            while True:
                if not select.select([ours], [], [], 60)[0]:
                    process.kill()
                    raise AssertionError(f"nothing more came on the terminal after: {bytes(sent)!r}")
                piece = os.read(ours, 65536)
                if not piece:
                    break
                sent += piece
                while waiting and (found := sent.find(waiting[0][0].encode(), seen)) >= 0:
                    seen = found + len(waiting[0][0].encode())
                    os.write(ours, waiting.pop(0)[1].encode())
        except OSError:
            pass  # the other side is closed: Linux says so with an error
    os.close(ours)
    assert not waiting, f"never seen: {waiting[0][0]} in {sent!r}"
    return sent.decode(errors="replace"), process.returncode


def _control_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
