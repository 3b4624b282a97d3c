"""Random state of a task: never shared with another, and repeatable when the run has a seed."""

from __future__ import annotations

import sys

from stepwell.model.run import RunInfo
from stepwell.model.task import TaskRequest


def seed_task(info: RunInfo, request: TaskRequest) -> None:
    """Seed ``random`` and NumPy's global generator anew, if they are imported.

    With ``info.seed`` the seed is a function of it, the run, the step and the task, else it is fresh.
    """
    if info.seed is None:
        # `random` does this by itself after a fork.
        numpy = sys.modules.get("numpy.random")
        if numpy is not None:
            numpy.seed()
        return
    import hashlib  # only a run with a seed needs these
    import random

    key = request.key
    text = "\0".join((info.seed, key.flow, key.run, key.step, key.task, str(request.index)))
    number = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=32).digest())
    random.seed(number)
    numpy = sys.modules.get("numpy.random")
    if numpy is not None:
        numpy.seed([number >> shift & 0xFFFFFFFF for shift in range(0, 256, 32)])
