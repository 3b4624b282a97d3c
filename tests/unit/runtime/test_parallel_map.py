"""Functions over many items, in child processes."""

import multiprocessing
import os
import threading
import time

import pytest

from stepwell.engine.cores import usable_cores
from stepwell.model.policy import Resources
from stepwell.runtime.task import current
from stepwell.runtime.task.parallel_map import granted_cores, parallel_imap_unordered, parallel_map
from stepwell.runtime.task.timed_block import profile


def test_results_come_in_the_order_of_the_items_from_other_processes():  # SPEC 11.4-1
    offset = 10

    results = parallel_map(lambda item: (item + offset, os.getpid()), range(5), max_parallel=2)

    assert [value for value, _ in results] == [10, 11, 12, 13, 14]
    assert os.getpid() not in {pid for _, pid in results}


def test_unordered_results_are_all_there():
    assert sorted(parallel_imap_unordered(lambda item: item * 2, range(7), max_parallel=2)) == list(
        range(0, 14, 2)
    )


def test_the_first_failure_is_raised_with_the_childs_traceback_and_no_child_is_left():
    def broken(item):
        raise KeyError(f"item {item}")

    with pytest.raises(KeyError, match="item") as failure:
        parallel_map(broken, range(50), max_parallel=2)

    assert "in broken" in str(failure.value.__cause__)
    assert multiprocessing.active_children() == []


@pytest.mark.slow
def test_it_works_beside_threads():  # SPEC 11.4-2
    release = threading.Event()
    beside = threading.Thread(target=release.wait)
    beside.start()
    try:
        assert parallel_map(lambda item: item + 1, [1, 2], max_parallel=1) == [2, 3]
    finally:
        release.set()
        beside.join()


# SPEC 11.4-2
@pytest.mark.parametrize(("cpu", "cores"), [(5, 5), (1.5, 2), (0.25, 1)])
def test_the_cores_that_a_step_asked_for_are_its_own(cpu, cores):
    current.enter({"resources": Resources(cpu=cpu)})
    try:
        assert granted_cores() == cores
    finally:
        current.leave()


# SPEC 11.4-2
@pytest.mark.parametrize("values", [{}, {"resources": Resources()}])
def test_a_step_that_asked_for_no_cores_has_those_that_its_process_may_use(values):
    current.enter(values)
    try:
        assert granted_cores() == usable_cores()
    finally:
        current.leave()


# SPEC 11.4-2
def test_so_many_children_work_at_once_as_the_step_has_cores(tmp_path):
    def meet(item):
        (tmp_path / f"{os.getpid()}").touch()
        deadline = time.monotonic() + 30
        while len(list(tmp_path.iterdir())) < 5 and time.monotonic() < deadline:
            time.sleep(0.01)
        return len(list(tmp_path.iterdir()))

    current.enter({"resources": Resources(cpu=5)})
    try:
        assert parallel_map(meet, range(5)) == [5] * 5
    finally:
        current.leave()


def test_a_timed_block_adds_to_its_label():
    stats: dict[str, float] = {}

    with profile("block", stats):
        sum(range(1000))

    assert stats["block"] > 0


def test_a_timed_block_says_how_long_it_took(capsys):
    with profile("block"):
        pass

    assert capsys.readouterr().out.startswith("block completed in ")
