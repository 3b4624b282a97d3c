"""What stands against forking."""

import asyncio
import threading

from stepwell.engines.local.safety import why_not_fork


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
