"""What a run records of where it was started: host, process, code, command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from stepwell.metadata_store.liveness import process_started as process_started
from stepwell.version import VERSION

_GIT_PATIENCE_S = 5.0


def fields(script: str, command: Sequence[str]) -> dict[str, str]:
    """Return the recorded fields of a run, except git's, by the names that tools know."""
    return {
        "python_version": ".".join(map(str, sys.version_info[:3])),
        "stepwell_version": VERSION,
        "script-name": Path(script).name,
        "script-path": script,
        "command": " ".join(command),
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
    """Asks git for commit and dirtiness beside the start of the run, so that nobody waits for it."""

    def __init__(self, script: str) -> None:
        folder = os.path.dirname(os.path.abspath(script))  # noqa: PTH100, PTH120 - hot start-up path
        self._process: subprocess.Popen[bytes] | None = None
        if _in_repository(folder):
            import subprocess  # start-up cost that only a repository pays

            try:
                self._process = subprocess.Popen(
                    ["git", "-C", folder, "status", "--porcelain=v2", "--branch", "--untracked-files=no"],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                )
            except OSError:
                self._process = None  # no git here: nothing is known of the commit

    def info(self) -> str:
        """Return ``COMMIT`` or ``COMMIT-dirty``; empty without a repository or an answer."""
        if self._process is None:
            return ""
        from subprocess import TimeoutExpired

        try:
            out, _ = self._process.communicate(timeout=_GIT_PATIENCE_S)
        except TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            return ""
        finally:
            process, self._process = self._process, None
        lines = out.decode(errors="replace").splitlines()
        commit = next((line.split()[-1] for line in lines if line.startswith("# branch.oid")), "")
        if process.returncode or not commit or commit == "(initial)":
            return ""
        dirty = any(not line.startswith("#") for line in lines)
        return f"{commit}-dirty" if dirty else commit


def _in_repository(folder: str) -> bool:
    place = folder
    while True:
        if os.path.exists(os.path.join(place, ".git")):  # noqa: PTH110, PTH118
            return True
        parent = os.path.dirname(place)  # noqa: PTH120
        if parent == place:
            return False
        place = parent
