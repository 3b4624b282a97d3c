"""What an attempt records of where it ran, what it was given and used, and how it ended: names and texts."""

from __future__ import annotations

import signal
from collections.abc import Mapping

import msgspec

from stepwell.model.policy import Resources


def place_fields(host: str, pid: int, code_version: str, asked: Resources) -> dict[str, str]:
    """Return what is known when an attempt begins.

    ``resources`` is what its step asked for, as JSON; it is missing if that is nothing.
    """
    fields = {"host": host, "pid": str(pid)}
    if code_version:
        fields["code-version"] = code_version
    if asked != Resources():
        fields["resources"] = msgspec.json.encode(asked).decode()
    return fields


def usage_fields(cpu_s: float, peak_rss_kib: int) -> dict[str, str]:
    """Return what it used; what was not measured is left out."""
    fields: dict[str, str] = {}
    if cpu_s:
        fields["cpu-s"] = f"{cpu_s:.6g}"
    if peak_rss_kib:
        fields["peak-rss-kib"] = str(peak_rss_kib)
    return fields


def gpu_fields(memory_mib: float, load_percent: float) -> dict[str, str]:
    """Return the most that it used of its GPUs: memory of all together, load of the busiest."""
    return {"peak-gpu-memory-mib": f"{memory_mib:.0f}", "peak-gpu-percent": f"{load_percent:.0f}"}


def exit_fields(exit_code: int | None) -> dict[str, str]:
    """Return how its process ended; a negative code is the number of a signal, as `TaskRecord` has it."""
    if exit_code is None:
        return {}
    return {"exit-code": str(exit_code)} if exit_code >= 0 else {"signal": signal_name(-exit_code)}


def exit_code_in(fields: Mapping[str, str]) -> int | None:
    """Return the exit code that `exit_fields` wrote, or None."""
    if "exit-code" in fields:
        return int(fields["exit-code"])
    name = fields.get("signal")
    if name is None:
        return None
    return -signal.Signals[name].value if name in signal.Signals.__members__ else -int(name)


def signal_name(number: int) -> str:
    """Return the signal's name, or its number as text if the system has no name for it."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
