"""Functions over many items, in child processes."""

import multiprocessing
import os
import threading

import pytest

from stepwell.runtime.task.parallel_map import parallel_imap_unordered, parallel_map
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


def test_a_timed_block_adds_to_its_label():
    stats: dict[str, float] = {}

    with profile("block", stats):
        sum(range(1000))

    assert stats["block"] > 0


def test_a_timed_block_says_how_long_it_took(capsys):
    with profile("block"):
        pass

    assert capsys.readouterr().out.startswith("block completed in ")
