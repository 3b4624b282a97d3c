"""Connections: opened on first use, and by each thread and process for itself."""

import os
import pickle
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from stored_results import Results

from stepwell.client import Flow
from stepwell.client.scope import Connection, Scope
from stepwell.exceptions import StepwellNotFound, StoreError, StoreUnavailable
from stepwell.metadata_store.store import RunQuery
from stepwell.settings.sources import load_settings
from stepwell.wiring.stores import make_stores, open_stores

NOBODY = 65534


def filled(tmp_path):
    """A place on disk with forty runs."""
    with closing(Results(make_stores(tmp_path, load_settings()))) as place:
        for number in range(1, 41):
            place.run(run=str(number))
    return Connection(f"local@{tmp_path}")


def test_making_a_connection_opens_nothing(tmp_path):
    Connection(f"local@{tmp_path / 'absent'}")

    assert list(tmp_path.iterdir()) == []


def test_objects_can_be_used_by_many_threads_at_once(tmp_path):
    flow = Flow("F", at=Scope(filled(tmp_path)))

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda number: flow[str(number)].finished, range(1, 41)))

    assert found == [True] * 40


def test_a_list_begun_in_one_thread_can_be_finished_in_another(tmp_path):
    runs = iter(Flow("F", at=Scope(filled(tmp_path))))
    first = next(runs)

    with ThreadPoolExecutor(1) as threads:
        rest = threads.submit(list, runs).result()

    assert [run.id for run in (first, *rest)] == [str(number) for number in range(40, 0, -1)]


def test_a_forked_child_opens_the_place_for_itself(tmp_path):
    connection = filled(tmp_path)
    before = connection.stores

    pid = os.fork()
    if pid == 0:
        again = connection.stores
        os._exit(0 if again is not before and again.metadata.run("F", "1") is not None else 1)

    assert os.waitpid(pid, 0)[1] == 0
    assert connection.stores is before


# SPEC 10.3-12
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_process_that_becomes_another_users_reads_nothing_that_was_kept_for_the_first(tmp_path):
    connection = filled(tmp_path / "private")
    assert connection.stores.metadata.run("F", "1") is not None
    (tmp_path / "private").chmod(0o700)

    pid = os.fork()
    if pid == 0:
        os.seteuid(65534)
        try:
            connection.stores.metadata.run("F", "1")
        except (StoreError, StepwellNotFound):
            os._exit(0)
        finally:
            os._exit(1)

    assert os.waitpid(pid, 0)[1] == 0


# SPEC 12.1-1
def test_what_may_only_be_read_can_be_read():
    with tempfile.TemporaryDirectory() as place:  # unlike pytest's own, in a folder that anybody may enter
        filled(Path(place)).stores.metadata.close()
        settings = load_settings()
        for path in (found := [Path(place), *Path(place).rglob("*")]):
            path.chmod(0o555 if path.is_dir() else 0o444)

        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                if os.geteuid() == 0:
                    os.setgroups([])
                    os.setgid(NOBODY)
                    os.setuid(NOBODY)
                code = 0 if len(open_stores(place, settings).metadata.runs(RunQuery())) == 40 else 2
            finally:
                os._exit(code)  # the child must never return into pytest
        status = os.waitpid(pid, 0)[1]
        for path in found:
            path.chmod(0o755)

    assert status == 0


def test_a_connection_that_nobody_uses_any_more_is_closed(tmp_path):
    connection = filled(tmp_path)
    metadata = connection.stores.metadata

    del connection

    with pytest.raises(StoreUnavailable, match="was closed"):
        metadata.flows()


def test_a_pickled_connection_is_equal_to_its_original(tmp_path):
    connection = Connection(f"local@{tmp_path}")

    again = pickle.loads(pickle.dumps(connection))

    assert again == connection and hash(again) == hash(connection)
    assert again != Connection(f"local@{tmp_path}/other")
