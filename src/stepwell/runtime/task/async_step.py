"""Steps that are `async def`: each runs in an event loop of its own, to its end."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Coroutine
from typing import Any

from stepwell.exceptions import TimeoutException
from stepwell.runtime.task.own_words import say


def run_to_completion(coroutine: Coroutine[Any, Any, object], step: str) -> object:
    """Run the coroutine of a step, and return what it does. What it leaves running is cancelled and told."""
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        try:
            returned = runner.run(coroutine)
        except TimeoutException as error:
            # It was raised in the loop, which only waits: say where the step itself is.
            waiting = next((task for task in asyncio.all_tasks(loop) if task.get_coro() is coroutine), None)
            stack = [] if waiting is None else waiting.get_stack()
            frames = [traceback.extract_stack(frame, limit=1)[0] for frame in stack]
            if frames:
                error.source_file, error.line_no = frames[-1].filename, frames[-1].lineno
                error.add_note(
                    "The step was waiting here:\n" + "".join(traceback.format_list(frames)).rstrip()
                )
            raise
        left = sorted(f"{task.get_name()} ({_what(task)})" for task in asyncio.all_tasks(loop))
        if left:
            say(f"Step {step!r} has ended; what it left running is cancelled: {', '.join(left)}.\n")
        return returned


def _what(task: asyncio.Task[Any]) -> str:
    return str(getattr(task.get_coro(), "__qualname__", task.get_coro()))
