"""What a run records of where it was started: host, process, code, command line."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from stepwell.metadata_store.address import without_passwords
from stepwell.metadata_store.liveness import process_started as process_started
from stepwell.version import VERSION


def fields(script: str, command: Sequence[str]) -> dict[str, str]:
    """Return the recorded fields of a run, except git's, by the names that tools know."""
    return {
        "python_version": ".".join(map(str, sys.version_info[:3])),
        "stepwell_version": VERSION,
        "script-name": Path(script).name,
        "script-path": script,
        "command": without_passwords(" ".join(command)),
        "runtime": "local",
    }


def system_tags(user: str) -> tuple[str, ...]:
    """Tags that every run carries and nobody can change."""
    python = ".".join(map(str, sys.version_info[:3]))
    return (
        f"user:{user}",
        "runtime:local",
        f"python_version:{python}",
        f"stepwell_version:{VERSION}",
    )


class GitState:
    """Asks git for commit and dirtiness beside the start of the run, so that nobody waits for it.

    Parameters
    ----------
    patience_s
        How long its answer may take.
    """

    def __init__(self, script: str, patience_s: float = 5.0) -> None:
        self._deadline = time.monotonic() + patience_s
        folder = os.path.dirname(os.path.abspath(script))  # noqa: PTH100, PTH120 - hot start-up path
        self._asked = None
        self._said = bytearray()
        self._info = ""
        if not _in_repository(folder):
            return
        if hasattr(os, "posix_spawnp"):
            self._asked = _ask_git(folder)
        else:
            self._info = _answer_of_git(folder, patience_s)

    def info(self, wait_s: float | None = None) -> str:
        """Return ``COMMIT`` or ``COMMIT-dirty``; empty without a repository or an answer.

        Parameters
        ----------
        wait_s
            How long to wait for the answer now, if it may still come; None is as long as it may take.
        """
        if self._asked is not None:
            now = time.monotonic()
            until = self._deadline if wait_s is None else min(now + wait_s, self._deadline)
            if _read_all(self._asked[1], until, self._said):
                self._info = _told(self._said) if self._end() == 0 else ""
            elif until == self._deadline:
                self.close()
        return self._info

    def close(self) -> None:
        """Wait no more. Doing it twice is doing it once."""
        if self._asked is not None:
            os.kill(self._asked[0], signal.SIGKILL)
            self._end()

    def _end(self) -> int:
        if self._asked is None:
            return 0
        pid, answer = self._asked
        self._asked = None
        os.close(answer)
        return os.waitpid(pid, 0)[1]


def _told(answer: bytearray) -> str:
    lines = answer.decode(errors="replace").splitlines()
    commit = next((line.split()[-1] for line in lines if line.startswith("# branch.oid")), "")
    if not commit or commit == "(initial)":
        return ""
    dirty = any(not line.startswith("#") for line in lines)
    return f"{commit}-dirty" if dirty else commit


def _answer_of_git(folder: str, patience_s: float) -> str:
    """Ask git and wait, where a process cannot be started and left to itself so cheaply."""
    import subprocess

    try:
        done = subprocess.run(
            _command(folder), stdin=subprocess.DEVNULL, capture_output=True, timeout=patience_s, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return _told(bytearray(done.stdout)) if done.returncode == 0 else ""


def _command(folder: str) -> tuple[str, ...]:
    return ("git", "-C", folder, "status", "--porcelain=v2", "--branch", "--untracked-files=no")


def _ask_git(folder: str) -> tuple[int, int] | None:
    """Start git; return its process and what it answers through. None if there is no git."""
    answer, its_end = os.pipe()
    command = _command(folder)
    files = [
        *((os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 2)),
        (os.POSIX_SPAWN_DUP2, its_end, 1),
    ]
    try:
        # `subprocess` would do, but importing it costs more than asking git.
        return os.posix_spawnp(command[0], command, os.environ, file_actions=files), answer
    except OSError:
        os.close(answer)
        return None
    finally:
        os.close(its_end)


def _read_all(fd: int, deadline: float, found: bytearray) -> bool:
    """Read into ``found``; False if the end does not come in time."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    while poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        data = os.read(fd, 1 << 16)
        if not data:
            return True
        found += data
    return False


def _in_repository(folder: str) -> bool:
    place = folder
    while True:
        if os.path.exists(os.path.join(place, ".git")):  # noqa: PTH110, PTH118
            return True
        parent = os.path.dirname(place)  # noqa: PTH120
        if parent == place:
            return False
        place = parent
