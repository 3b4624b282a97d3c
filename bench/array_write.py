"""Storing a large array against writing its bytes to a file: in one process, in turn, each on an idle disk.

Run as ``python bench/array_write.py [MEBIBYTES]``; prints milliseconds.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from stepwell.datastore.datastore import Datastore
from stepwell.storages.local import LocalStorage

_PIECE = 64 << 20


def measure(mebibytes: int = 512, repeats: int = 5) -> tuple[float, float]:
    """Return seconds that the datastore takes, and seconds that the file takes: medians."""
    array = np.random.default_rng(0).random(mebibytes << 17)
    stored: list[float] = []
    written: list[float] = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            written.append(_seconds(partial(_write, Path(folder) / "raw", memoryview(array).cast("B"))))
        with tempfile.TemporaryDirectory() as folder:
            datastore = Datastore.open(LocalStorage(folder))
            stored.append(_seconds(partial(datastore.save, "array", array)))
    return statistics.median(stored), statistics.median(written)


def _seconds(work: Callable[[], object]) -> float:
    os.sync()  # what was written before must not be on its way to the disk meanwhile
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _write(path: Path, data: memoryview) -> None:
    with path.open("wb", buffering=0) as file:
        for start in range(0, len(data), _PIECE):
            file.write(data[start : start + _PIECE])


if __name__ == "__main__":
    ours, raw = measure(int(sys.argv[1]) if len(sys.argv) > 1 else 512)
    print(f"stored {ours * 1e3:.1f} ms, written {raw * 1e3:.1f} ms, {ours / raw:.2f}x")
