"""Which GPUs of this machine may be used, and how a process is told which of them are its own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path


def usable_devices(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the ids of the GPUs that a process with this environment may use."""
    for variable in ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"):
        if variable in environment:
            ids = (name.strip() for name in environment[variable].split(","))
            return tuple(name for name in ids if name and name != "-1")
    return tuple(map(str, range(_nvidia_devices() or _amd_devices())))


def device_variables(devices: Sequence[str]) -> dict[str, str]:
    """Return the variables that let a process see these GPUs alone.

    ``ROCR_VISIBLE_DEVICES`` is left as it is: the others count among the devices that it leaves over.
    """
    names = ",".join(devices)
    if not all(name.isdigit() for name in devices):
        return {"CUDA_VISIBLE_DEVICES": names}
    return dict.fromkeys(("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ZE_AFFINITY_MASK"), names)


def _nvidia_devices() -> int:
    driver = Path("/proc/driver/nvidia/gpus")
    if driver.is_dir():
        return len(tuple(driver.iterdir()))
    import subprocess  # only steps that ask for GPUs pay for it

    try:  # in some containers, and on Windows, only the tool knows
        told = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    return len(re.findall(r"^GPU \d+:", told.stdout, re.MULTILINE))


def _amd_devices() -> int:
    found = Path("/sys/class/kfd/kfd/topology/nodes").glob("*/gpu_id")
    return sum(1 for node in found if node.read_text().strip() not in ("", "0"))
