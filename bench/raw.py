"""The raw limit of a task: what the system asks for a fork, one file and an exit with nothing around it.

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


if __name__ == "__main__":
    print(fork_floor(int(sys.argv[1])))
