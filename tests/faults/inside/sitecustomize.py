"""Faults from inside: Python imports this at the start of each interpreter that has this folder in its path.

``FAULT_POINT=ROLE:N`` kills the process before it touches the datastore for the Nth time. The run process has
the role ``run``, its launcher ``launcher``, and ``task3`` is the third task that the launcher forks.
``FAULT_TRACE=FILE`` kills nothing, and writes a line with the role for each touch.
``FAULT_CLOCK=FILE`` lets the clock go wrong by as many seconds as the file says, from one moment to the next.
"""

import os
import signal
import sys
import time

_TOUCHES = frozenset(
    ("open", "os.link", "os.rename", "os.remove", "os.mkdir", "os.utime", "os.scandir", "sqlite3.connect")
)
_DATASTORE = ".stepwell"


class Life:
    """Which process this is, and how often it has touched the datastore."""

    def __init__(self) -> None:
        self.depth = 0
        self.tasks = 0
        self.touches = 0

    @property
    def role(self) -> str:
        return ("run", "launcher")[self.depth] if self.depth < 2 else f"task{self.tasks}"

    def before_fork(self) -> None:
        if self.depth == 1:
            self.tasks += 1

    def in_child(self) -> None:
        self.depth += 1
        self.touches = 0


def watch(point: str, trace: str) -> None:
    life = Life()
    os.register_at_fork(before=life.before_fork, after_in_child=life.in_child)
    victim, _, at = point.partition(":")
    file = os.open(trace, os.O_WRONLY | os.O_CREAT | os.O_APPEND) if trace else -1

    def hook(event: str, args: tuple[object, ...]) -> None:
        if event not in _TOUCHES or not any(isinstance(arg, str) and _DATASTORE in arg for arg in args):
            return
        life.touches += 1
        if trace:
            os.write(file, f"{life.role}\n".encode())
        elif life.role == victim and life.touches == int(at):
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def step_the_clock(file: str) -> None:
    true_time, true_time_ns = time.time, time.time_ns

    def error_s() -> int:
        try:
            with open(file) as found:
                return int(found.read() or 0)
        except OSError:
            return 0

    time.time = lambda: true_time() + error_s()
    time.time_ns = lambda: true_time_ns() + error_s() * 1_000_000_000


if "FAULT_POINT" in os.environ or "FAULT_TRACE" in os.environ:
    watch(os.environ.get("FAULT_POINT", ""), os.environ.get("FAULT_TRACE", ""))
if "FAULT_CLOCK" in os.environ:
    step_the_clock(os.environ["FAULT_CLOCK"])
