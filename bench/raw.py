"""The raw limits: what the operating system asks for the same work with nothing around it.

Run as a program of its own, so that the process measured is as small as it can be.
"""

import os
import sys
import tempfile
import time


def fork_floor(tasks: int) -> float:
    """Seconds to fork, write one small file and exit, ``tasks`` times, as many at once as there are cores."""
    cores = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        running = 0
        for number in range(tasks):
            if os.fork() == 0:
                with open(f"{folder}/{number}", "wb") as file:
                    file.write(b"x" * 600)
                os._exit(0)
            running += 1
            if running >= cores:
                os.wait()
                running -= 1
        for _ in range(running):
            os.wait()
        return time.perf_counter() - began


def write(mebibytes: int) -> float:
    """Seconds to write that much data to a new file."""
    chunk = os.urandom(1 << 20) * 16
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        with open(f"{folder}/raw", "wb", buffering=0) as file:
            for _ in range(mebibytes // 16):
                file.write(chunk)
        return time.perf_counter() - began


if __name__ == "__main__":
    what, amount = sys.argv[1], int(sys.argv[2])
    print({"fork": fork_floor, "write": write}[what](amount))
