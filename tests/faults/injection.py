"""What is done to a command while it runs. A fault strikes once; it may come too late."""

import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Victim = Literal["run", "launcher", "task", "all"]
VICTIMS: tuple[Victim, ...] = ("run", "launcher", "task", "all")
INSIDE = os.pathsep.join(filter(None, (str(Path(__file__).parent / "inside"), os.environ.get("PYTHONPATH"))))
"""A search path that begins with the faults that strike from inside."""
_LOOK_S = 0.001


class Fault(ABC):
    """Something that happens to a command."""

    def environment(self) -> Mapping[str, str]:
        """Return the variables that the command is started with."""
        return {}

    @abstractmethod
    def strike(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        """Let it happen; return when it has, or when the process has ended before."""


def children_of(pid: int) -> list[int]:
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def victims(process: subprocess.Popen[bytes], victim: Victim) -> list[int]:
    """Return the processes to kill. A process that is gone by then cannot be killed."""
    launchers = children_of(process.pid)
    tasks = [task for launcher in launchers for task in children_of(launcher)]
    return {
        "run": [process.pid],
        "launcher": launchers[:1],
        "task": tasks[:1],
        "all": [*tasks, process.pid, *launchers],
    }[victim]


def kill(process: subprocess.Popen[bytes], victim: Victim) -> None:
    for pid in victims(process, victim):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


@dataclass(frozen=True)
class KillAfter(Fault):
    """Kill after some seconds."""

    seconds: float
    victim: Victim

    def strike(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        try:
            process.wait(self.seconds)
        except subprocess.TimeoutExpired:
            kill(process, self.victim)


@dataclass(frozen=True)
class KillAtPack(Fault):
    """Kill as soon as so many more packs are in the datastore."""

    packs: int
    victim: Victim

    def strike(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        enough = len(packs_in(folder)) + self.packs
        while process.poll() is None:
            if len(packs_in(folder)) >= enough:
                kill(process, self.victim)
                return
            time.sleep(_LOOK_S)


@dataclass(frozen=True)
class KillAtTouch(Fault):
    """The process of this role kills itself before it touches the datastore for the Nth time."""

    role: str
    touch: int

    def environment(self) -> Mapping[str, str]:
        return {"PYTHONPATH": INSIDE, "FAULT_POINT": f"{self.role}:{self.touch}"}

    def strike(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        return  # it strikes from inside


@dataclass(frozen=True)
class Signal(Fault):
    """Send a signal to the run process after some seconds."""

    seconds: float
    number: int

    def strike(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        try:
            process.wait(self.seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(self.number)


def packs_in(folder: Path) -> list[Path]:
    """Return the packs of all runs."""
    found = folder.glob(".stepwell/runs/*/*/*/packs/**/*")
    return [path for path in found if path.is_file()]  # those of gangs lie deeper
