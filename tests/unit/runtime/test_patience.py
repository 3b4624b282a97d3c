import pytest

from stepwell.exceptions import StoreUnavailable
from stepwell.runtime.patience import Patience


class Store:
    """Serves again after some time; time passes only where somebody sleeps."""

    def __init__(self, serves_at, may_pass=True, stopped_at=float("inf")):
        self.now = 0.0
        self.serves_at = serves_at
        self.may_pass = may_pass
        self.tries = 0
        self.said = []
        self.patience = Patience(
            10.0, self.said.append, lambda: self.now >= stopped_at, lambda: self.now, self.sleep
        )

    def sleep(self, seconds):
        self.now += seconds

    def act(self):
        self.tries += 1
        if self.now < self.serves_at:
            trouble = StoreUnavailable("The disk is full.")
            trouble.may_pass = self.may_pass
            raise trouble
        return "served"


def test_what_works_is_not_waited_for():
    store = Store(serves_at=0)

    assert store.patience(store.act) == "served"
    assert (store.tries, store.said, store.now) == (1, [], 0)


# SPEC 7.2-9
def test_a_trouble_that_passes_in_time_is_told_and_waited_for():
    store = Store(serves_at=9)

    assert store.patience(store.act) == "served"
    assert store.said == [
        "Waiting for the store, up to 10 s (STEPWELL_STORE_PATIENCE): The disk is full.",
        "The store serves again.",
    ]
    assert store.now < 9.5


# SPEC 7.2-9
def test_a_trouble_that_does_not_pass_ends_the_wait_and_says_what_then():
    store = Store(serves_at=1000)

    with pytest.raises(StoreUnavailable, match=r"full. This has not passed in 10 s; once it has, `continue`"):
        store.patience(store.act)
    assert store.now == pytest.approx(10)


def test_a_process_waits_in_vain_once_only():
    store = Store(serves_at=1000)
    with pytest.raises(StoreUnavailable):
        store.patience(store.act)
    waited = store.now

    with pytest.raises(StoreUnavailable):
        store.patience(store.act)

    assert store.now == waited


def test_a_trouble_of_another_time_is_waited_for_anew():
    store = Store(serves_at=9)
    store.patience(store.act)
    store.serves_at = 18

    assert store.patience(store.act) == "served"


def test_what_no_waiting_mends_is_told_at_once():
    store = Store(serves_at=1000, may_pass=False)

    with pytest.raises(StoreUnavailable):
        store.patience(store.act)
    assert (store.tries, store.said) == (1, [])


# SPEC 7.2-4
def test_who_is_asked_to_stop_waits_no_more():
    store = Store(serves_at=1000, stopped_at=3)

    with pytest.raises(KeyboardInterrupt):
        store.patience(store.act)
    assert store.now < 3.5
    with pytest.raises(StoreUnavailable):  # the end of the run is still to be written, if that can be
        store.patience(store.act)
