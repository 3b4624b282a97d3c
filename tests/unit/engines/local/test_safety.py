"""What stands against forking, and how many cores there are."""

import asyncio
import os
import threading

from stepwell.engines.local.safety import usable_cores, why_not_fork


# SPEC 7.1-4
def test_a_running_thread_is_named_as_the_reason_not_to_fork():
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait, name="telemetry")
    thread.start()

    reason = why_not_fork()
    stop.set()
    thread.join()

    assert reason is not None and "`telemetry`" in reason


# SPEC 7.1-4
def test_a_running_event_loop_is_a_reason_not_to_fork():
    async def ask():
        return why_not_fork()

    assert "event loop" in asyncio.run(ask())


# SPEC 7.1-9
def test_usable_cores_respect_affinity():
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})

    cores = usable_cores()
    os.sched_setaffinity(0, allowed)

    assert cores == 1
