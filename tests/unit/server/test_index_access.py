"""How a server's threads use the index."""

import asyncio
import threading

import pytest

from stepwell.exceptions import StoreUnavailable
from stepwell.metadata_stores.memory import MemoryMetadata
from stepwell.server.index_access import IndexAccess


class Counted(MemoryMetadata):
    """Counts how often it is opened and closed."""

    opened = 0
    closed = 0

    def __init__(self):
        super().__init__()
        Counted.opened += 1

    def close(self):
        Counted.closed += 1


@pytest.fixture
def access():
    Counted.opened = Counted.closed = 0
    access = IndexAccess(Counted)
    yield access
    access.close()
    assert Counted.opened == Counted.closed


async def stays():
    return False


async def gone():
    return True


# SPEC 12.4-3
def test_writes_are_carried_out_in_the_order_in_which_they_came(access):
    """Else a write that its client gave up waiting for could come on top of the newer one."""
    first_may_go, done = threading.Event(), []

    def first(store):
        first_may_go.wait(60)
        done.append(0)

    async def work():
        writes = [asyncio.create_task(access.write(first, stays))]
        for number in range(1, 20):
            writes.append(asyncio.create_task(access.write(lambda _, n=number: done.append(n), stays)))
            await asyncio.sleep(0)
        first_may_go.set()
        await asyncio.gather(*writes)

    asyncio.run(work())

    assert done == list(range(20))


# SPEC 12.4-3
def test_a_write_that_its_client_has_given_up_is_not_carried_out(access):
    done = []

    asyncio.run(access.write(done.append, gone))

    assert not done


def test_reads_go_on_while_a_write_takes_long(access):
    may_end = threading.Event()

    async def work():
        write = asyncio.create_task(access.write(lambda _: may_end.wait(60), stays))
        found = await access.read(lambda store: store.flows())
        may_end.set()
        await write
        return found

    assert asyncio.run(work()) == []


def test_a_connection_that_could_not_serve_is_made_anew_and_one_that_could_is_kept(access):
    def fail(store):
        raise StoreUnavailable("The index is away.")

    async def work():
        for _ in range(3):
            await access.write(lambda store: store.next_run_id(), stays)
        opened = Counted.opened
        with pytest.raises(StoreUnavailable):
            await access.write(fail, stays)
        await access.write(lambda store: store.next_run_id(), stays)
        return opened

    assert asyncio.run(work()) == 1
    assert (Counted.opened, Counted.closed) == (2, 1)
