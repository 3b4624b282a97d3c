"""What the tasks of the engine's contract do, each by the name of its step."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from stepwell.model.ids import TaskKey
from stepwell.model.run import RunInfo
from stepwell.model.task import TaskOutcome, TaskRequest


def deed(name: str, task: str = "1", attempt: int = 0) -> TaskRequest:
    """Return the request for one of the deeds that `run_deed` knows."""
    return TaskRequest(key=TaskKey("Contract", "1", name, task), attempt=attempt)


def run_deed(info: RunInfo, request: TaskRequest, report: Callable[[TaskOutcome], None]) -> int:
    """Do what the request's step names, in the present process; the task runner for engines under test."""
    del info
    name, _, argument = request.key.step.partition(":")
    code = _DEEDS[name](argument)
    report(TaskOutcome(ok=code == 0, started_at=1.0, ended_at=2.0, label=request.key.task))
    return code


def _write(argument: str) -> int:
    os.write(1, b"out 1\nout 2\n")
    os.write(2, b"err \xff\xfe\n")
    print("printed" + argument)  # noqa: T201 - what is tested
    return 0


def _flood(argument: str) -> int:
    line = b"0123456789abcdef" * 4096
    for _ in range(int(argument) * 16):
        os.write(1, line)
    return 0


def _segfault(argument: str) -> int:
    del argument
    import ctypes  # only this deed needs it
    import faulthandler  # switched on by pytest, it would write into the test's output

    faulthandler.disable()
    ctypes.string_at(0)
    return 0


def _kill_self(argument: str) -> int:
    os.kill(os.getpid(), int(argument))
    return 0


def _exit_now(argument: str) -> int:
    os._exit(int(argument))


def _raise(argument: str) -> int:
    raise ValueError(f"escaped {argument}")


def _sleep(argument: str) -> int:
    time.sleep(float(argument or "600"))
    return 0


def _leave_children(argument: str) -> int:
    """Leave a child, and with ``away`` one in a session of its own, that hold the streams open."""
    for session in (False, True) if argument == "away" else (False,):
        pid = os.fork()
        if pid == 0:
            if session:
                os.setsid()
            time.sleep(600)
            os._exit(0)
        print(pid)  # noqa: T201 - the test looks for it
    return 0


def _leave_thread(argument: str) -> int:
    del argument
    import threading  # only this deed needs it

    threading.Thread(target=time.sleep, args=(600,)).start()
    return 0


def _random(argument: str) -> int:
    del argument
    import random  # only this deed needs it

    print(random.random())  # noqa: T201 - the test compares it
    return 0


def _environment(argument: str) -> int:
    print(os.environ.get(argument, "unset"))  # noqa: T201 - the test looks at it
    return 0


_DEEDS: dict[str, Callable[[str], int]] = {
    "succeed": lambda argument: int(argument or 0),
    "fail": lambda argument: int(argument),
    "write": _write,
    "flood": _flood,
    "segfault": _segfault,
    "kill": _kill_self,
    "exit": _exit_now,
    "raise": _raise,
    "sleep": _sleep,
    "children": _leave_children,
    "thread": _leave_thread,
    "random": _random,
    "environment": _environment,
}
