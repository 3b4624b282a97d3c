"""``parallel_map`` and ``parallel_imap_unordered``: a function over many items, in child processes."""

# cloudpickle has no type information:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from stepwell.runtime.task.current import current

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor

Item = TypeVar("Item")
Result = TypeVar("Result")


def parallel_map(
    func: Callable[[Item], Result],
    iterable: Iterable[Item],
    max_parallel: int | None = None,
    dir: str | None = None,
) -> list[Result]:
    """Return ``[func(item) for item in iterable]``, computed in child processes.

    Parameters
    ----------
    func
        May be a lambda or a closure.
    max_parallel
        Most children at once. If left out: the cores that the step asked for with ``@resources(cpu=)``, or
        those that this process may use.
    dir
        Working directory of the children; that of this process if left out.

    Raises
    ------
    Exception
        What ``func`` raised first, with the child's traceback as its cause. The other children are ended.
    """
    numbered = _results(func, iterable, max_parallel, dir)
    return [result for _, result in sorted(numbered, key=lambda pair: pair[0])]


def parallel_imap_unordered(
    func: Callable[[Item], Result],
    iterable: Iterable[Item],
    max_parallel: int | None = None,
    dir: str | None = None,
) -> Iterator[Result]:
    """Yield ``func(item)`` for each item as the results come; see `parallel_map`."""
    for _, result in _results(func, iterable, max_parallel, dir):
        yield result


def _results(
    func: Callable[[Item], Result], iterable: Iterable[Item], max_parallel: int | None, dir: str | None
) -> Iterator[tuple[int, Result]]:
    """Yield position and result of each item. Not more items are taken ahead than the children need."""
    import cloudpickle

    workers = max_parallel or granted_cores()
    if workers < 1:
        raise ValueError(f"max_parallel must be at least 1, not {workers}")
    call = cloudpickle.dumps(func)
    pool = _pool(workers, dir)
    running: dict[Future[bytes], int] = {}
    try:
        for position, item in enumerate(iterable):
            running[pool.submit(_call, call, cloudpickle.dumps(item))] = position
            if len(running) >= 2 * workers:
                yield from _ended(running)
        while running:
            yield from _ended(running)
    finally:
        if running:
            _kill_children(pool)  # after a failure nobody wants the other results
        pool.shutdown(wait=True, cancel_futures=True)


def _kill_children(pool: ProcessPoolExecutor) -> None:
    from multiprocessing.process import BaseProcess

    # `kill_workers` of Python 3.14 does the same; before it there is no public way.
    processes = cast("dict[int, BaseProcess] | None", getattr(pool, "_processes", None))
    for process in list((processes or {}).values()):
        process.kill()


def _ended(running: dict[Future[bytes], int]) -> Iterator[tuple[int, Any]]:
    import pickle
    from concurrent.futures import FIRST_COMPLETED, wait

    done, _ = wait(running, return_when=FIRST_COMPLETED)
    for future in sorted(done, key=lambda ended: running[ended]):
        position = running[future]
        result = pickle.loads(future.result())
        del running[future]
        yield position, result


def _pool(workers: int, dir: str | None) -> ProcessPoolExecutor:
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    # A fork is quick, but a process with threads may not fork: locks that others hold stay locked.
    alone = threading.active_count() == 1 and "fork" in multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("fork" if alone else "spawn")
    place = str(Path(dir).resolve()) if dir is not None else str(Path.cwd())
    return ProcessPoolExecutor(workers, mp_context=context, initializer=os.chdir, initargs=(place,))


def _call(func: bytes, item: bytes) -> bytes:
    import pickle

    import cloudpickle

    return cloudpickle.dumps(pickle.loads(func)(pickle.loads(item)))


def granted_cores() -> int:
    """Return the cores that the step asked for; else, or outside a step, those that this process may use."""
    from stepwell.engine.cores import usable_cores  # few steps ask

    stated = current.get("resources")
    return max(1, int(stated.cpu + 0.5)) if stated is not None and stated.cpu else usable_cores()
