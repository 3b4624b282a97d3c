"""What an attempt has used of its GPUs, where NVIDIA's own tool tells."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Sequence

from stepwell.model.attempt_fields import gpu_fields

_EVERY_S = 1
_ENDS_WITHIN_S = 2.0


class GpuUse:
    """Looks at the devices of a task as long as it runs, by a process beside it: a thread would forbid forks.

    A machine without ``nvidia-smi``, or one on which it fails, is one where nothing can be read.
    """

    def __init__(self, devices: Sequence[str]) -> None:
        self._count = len(devices)
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed when it has been read
        self._fields: dict[str, str] = {}
        argv = (
            "nvidia-smi",
            f"--id={','.join(devices)}",
            "--query-gpu=memory.used,utilization.gpu",
            "--format=csv,noheader,nounits",
            f"--loop={_EVERY_S}",
        )
        try:
            self._tool = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=self._said, stderr=subprocess.DEVNULL
            )
        except OSError:
            self._tool = None

    def fields(self) -> dict[str, str]:
        """Look no more, and return the most memory and the highest load that were seen."""
        if self._tool is not None:
            self._tool.terminate()
            try:
                self._tool.wait(_ENDS_WITHIN_S)
            except subprocess.TimeoutExpired:
                self._tool.kill()
                self._tool.wait()
            self._tool = None
            self._said.seek(0)
            self._fields = peaks(self._said.read().decode(errors="replace").splitlines(), self._count)
        self._said.close()
        return self._fields


def peaks(lines: Sequence[str], devices: int) -> dict[str, str]:
    """Return the recorded fields for lines of MiB and percent, of which each look has one for each device."""
    looks = list(_looks(lines, devices))
    memory = max((sum(used for used, _ in look) for look in looks), default=0.0)
    load = max((percent for look in looks for _, percent in look), default=0.0)
    return gpu_fields(memory, load) if looks else {}


def _looks(lines: Sequence[str], devices: int) -> Iterator[list[tuple[float, float]]]:
    for first in range(0, len(lines) - devices + 1, devices):
        try:
            yield [_numbers(line) for line in lines[first : first + devices]]
        except ValueError:
            continue  # a device, or a part of one, of which the tool says nothing


def _numbers(line: str) -> tuple[float, float]:
    memory, _, load = line.partition(",")
    return float(memory), float(load)
