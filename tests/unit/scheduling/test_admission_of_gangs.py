"""A gang claims as a whole: it starts when there is room for all of it, and nobody starves it."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.model.capacity import Capacity
from stepwell.model.policy import Resources, StepPolicy
from stepwell.scheduling.claims import gang_claims, gang_warnings
from stepwell.scheduling.dependencies import OpenSplit
from stepwell.scheduling.gang import Gang
from stepwell.scheduling.limits import ReadyQueue
from stepwell.scheduling.orders import Launch

choices = st.randoms(use_true_random=False)
PLAIN = Resources()


class Machine:
    """A queue with a machine under it, for gangs of one step and single tasks of another."""

    def __init__(self, capacity: Capacity, gang: Resources, single: Resources = PLAIN) -> None:
        policies = {"single": StepPolicy(resources=single), "gang": StepPolicy(resources=gang)}
        self.queue = ReadyQueue(1, policies, capacity, {"gang"})
        self.queue.limit = 1000
        self.running: list[Launch] = []
        self.gangs: dict[int, Gang] = {}

    def put(self, *sizes: int) -> None:
        """Let gangs of these sizes wait; 0 is a single task."""
        for size in sizes:
            if size:
                split = OpenSplit(
                    ("opener", 0), "join", size, is_foreach=True, outer=None, position=0, path=()
                )
                gang = Gang.of("gang", self.queue.new_ids(size), split)
                self.gangs[gang.control] = gang
                self.queue.put_gang(gang)
            else:
                self.queue.put_successor("single", None, 0, ("start", 1))

    def admit(self) -> list[Launch]:
        before = len(self.running)
        while (taken := self.queue.take(len(self.running))) is not None:
            self.running.append(taken[0])
        return self.running[before:]

    def end(self, launch: Launch) -> None:
        """End a single task, or the gang of a task."""
        if launch.gang is None:
            self.running.remove(launch)
            self.queue.give_back(launch)
        else:
            self.running = [one for one in self.running if one.gang != launch.gang]
            self.queue.give_back_gang(self.gangs[launch.gang[0]])


amounts = st.sampled_from((None, 0.5, 1, 2))


# SPEC 2.6-4, 6.2-3
@settings(max_examples=150, deadline=None)
@given(
    st.builds(
        Resources,
        cpu=amounts,
        memory_mb=st.sampled_from((None, 100, 300)),
        gpu=st.sampled_from((None, 0.25, 0.5, 1, 2)),
        custom=st.dictionaries(st.sampled_from("ab"), st.sampled_from((1.0, 2.0)), max_size=2),
    ),
    st.builds(
        Capacity,
        workers=st.integers(1, 5),
        cpu=st.sampled_from((4.0, 8.0)),
        memory_mb=st.just(800),
        devices=st.sampled_from(((), ("0",), ("0", "1", "7"))),
        tokens=st.sampled_from(({}, {"a": 2, "b": 4})),
    ),
    st.lists(st.integers(0, 4), max_size=15),
    choices,
)
def test_gangs_never_claim_more_than_there_is_and_every_one_starts_whole(asked, capacity, sizes, random):
    machine = Machine(capacity, asked)
    machine.put(*sizes)
    started = len(machine.admit())

    while machine.running:
        members = Counter(launch.gang for launch in machine.running if launch.gang)
        assert all(count == gang[1] for gang, count in members.items())
        over = [
            gang
            for gang in members
            if next(gang_warnings("gang", asked, capacity, gang[1]), "").endswith("alone")
        ]
        if over:
            assert len(machine.running) == over[0][1]
        else:
            gang_tasks = sum(members.values())
            assert len(machine.running) <= capacity.workers
            singles = len(machine.running) - gang_tasks
            assert gang_tasks * (1 if asked.cpu is None else asked.cpu) + singles <= capacity.cpu
            assert gang_tasks * (asked.memory_mb or 0) <= capacity.memory_mb
            for name, amount in asked.custom.items():
                assert gang_tasks * amount <= capacity.tokens.get(name, 0)
        machine.end(random.choice(machine.running))
        started += len(machine.admit())

    assert (started, len(machine.queue)) == (sum(size or 1 for size in sizes), 0)
    assert machine.queue.take(0) is None


# SPEC 6.2-4
def test_the_tasks_of_a_gang_have_devices_of_their_own():
    machine = Machine(Capacity(workers=4, cpu=4, memory_mb=1, devices=("0", "1", "2")), Resources(gpu=1))
    machine.put(3)

    assert [launch.devices for launch in machine.admit()] == [("0",), ("1",), ("2",)]


# SPEC 6.2-4
def test_a_gang_that_asks_for_more_devices_than_there_are_shares_all_of_them_and_says_so():
    capacity = Capacity(workers=4, cpu=4, memory_mb=1, devices=("0", "1"))
    machine = Machine(capacity, Resources(gpu=1))
    machine.put(3)

    assert [launch.devices for launch in machine.admit()] == [("0", "1")] * 3
    assert machine.queue.remarks == [
        "the gang of 3 tasks of step gang asks for gpu=1 each, there are 2; each of them gets all of those"
    ]


# SPEC 6.2-3
def test_single_tasks_do_not_starve_a_gang():
    machine = Machine(Capacity(workers=3, cpu=3, memory_mb=1), Resources())
    machine.put(0, 0, 3, *[0] * 20)

    first = machine.admit()
    machine.end(first[0])
    none = machine.admit()
    machine.end(first[1])

    assert none == []
    assert [launch.gang for launch in machine.admit()] == [(3, 3)] * 3


# SPEC 6.2-3
@pytest.mark.parametrize(
    ("asked", "size", "said"),
    [
        (Resources(), 3, "the gang of 3 tasks of step train asks for 3 workers, there are 2; it runs alone"),
        (Resources(cpu=2), 2, "the gang of 2 tasks of step train asks for cpu=4, there are 2; it runs alone"),
        (
            Resources(memory_mb=300),
            2,
            "the gang of 2 tasks of step train asks for 600 MB of memory, there are 500; it runs alone",
        ),
    ],
)
def test_who_asks_for_a_gang_larger_than_the_machine_is_told(asked, size, said):
    capacity = Capacity(workers=2, cpu=2, memory_mb=500)

    assert list(gang_warnings("train", asked, capacity, size)) == [said]
    assert gang_claims(asked, capacity, size).claims == (("workers", 2000),)


def test_a_large_gang_is_remarked_once_and_a_larger_one_again():
    machine = Machine(Capacity(workers=1, cpu=1, memory_mb=1), Resources())
    machine.put(2, 2, 3)
    while machine.admit():
        machine.end(machine.running[0])

    assert [remark.partition(" tasks")[0] for remark in machine.queue.remarks] == [
        "the gang of 2",
        "the gang of 3",
    ]
