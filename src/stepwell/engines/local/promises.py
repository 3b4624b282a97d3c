"""What the local engine can do, with and without `fork`."""

from __future__ import annotations

import os

from msgspec.structs import replace

from stepwell.engine.capabilities import Capabilities

CAPABILITIES = Capabilities(
    name="local",
    variables=True,
    processes=True,
    retry_delay_s=0.0,
    gangs=True,
    memory_limits=os.path.exists("/proc/self/status"),  # noqa: PTH110 - hot start-up path
)
"""Of an engine that can start interpreters, for launchers or for tasks."""

WITHOUT_FORK = replace(CAPABILITIES, memory_limits=False)
