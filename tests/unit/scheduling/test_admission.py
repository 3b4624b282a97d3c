"""What tasks claim of a machine is never more than it has, and whoever waits gets its turn."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.model.capacity import Capacity
from stepwell.model.policy import Resources, StepPolicy
from stepwell.scheduling.claims import warnings_of
from stepwell.scheduling.limits import ReadyQueue
from stepwell.scheduling.orders import Launch


class Machine:
    """A queue with a machine under it: what runs, and what that uses."""

    def __init__(self, capacity: Capacity, asked: dict[str, Resources], priorities=None) -> None:
        self.capacity, self.asked = capacity, asked
        policies = {
            step: StepPolicy(resources=one, priority=(priorities or {}).get(step, 0))
            for step, one in asked.items()
        }
        self.queue = ReadyQueue(1, policies, capacity)
        self.queue.limit = 1000
        self.running: list[Launch] = []

    def put(self, *steps: str) -> None:
        for step in steps:
            self.queue.put_successor(step, None, 0, ("start", 1))

    def admit(self) -> list[str]:
        """Start all that may; return the steps of what has started."""
        before = len(self.running)
        while (taken := self.queue.take(len(self.running))) is not None:
            self.running.append(taken[0])
            self.check()
        return [launch.step for launch in self.running[before:]]

    def end(self, launch: Launch) -> None:
        self.running.remove(launch)
        self.queue.give_back(launch)

    def end_all(self, step: str) -> None:
        for launch in [launch for launch in self.running if launch.step == step]:
            self.end(launch)

    def is_over(self, step: str) -> bool:
        one, has = self.asked[step], self.capacity
        return (
            (1.0 if one.cpu is None else one.cpu) > has.cpu
            or (one.memory_mb or 0) > has.memory_mb
            or any(amount > has.tokens.get(name, 0) for name, amount in one.custom.items())
        )

    def check(self) -> None:
        """Hold what runs against what there is."""
        running, has = self.running, self.capacity
        assert len(running) <= has.workers
        if any(self.is_over(launch.step) for launch in running):
            assert len(running) == 1
            return
        asked = [self.asked[launch.step] for launch in running]
        assert sum(1.0 if one.cpu is None else one.cpu for one in asked) <= has.cpu + 1e-6
        assert sum(one.memory_mb or 0 for one in asked) <= has.memory_mb
        used: Counter[str] = Counter()
        for one in asked:
            used.update(one.custom)
        assert all(amount <= has.tokens[name] for name, amount in used.items())
        self.check_devices()

    def check_devices(self) -> None:
        shares: Counter[str] = Counter()
        for launch in self.running:
            wanted = self.asked[launch.step].gpu or 0
            assert len(launch.devices) == min(-(-wanted // 1), len(self.capacity.devices))
            assert len(set(launch.devices)) == len(launch.devices)
            for device in launch.devices:
                shares[device] += min(wanted, 1)
        assert all(share <= 1 + 1e-6 for share in shares.values())
        assert shares.keys() <= set(self.capacity.devices)


amounts = st.sampled_from((None, 0.5, 1, 2, 3, 5))
resources = st.builds(
    Resources,
    cpu=amounts,
    memory_mb=st.sampled_from((None, 100, 400, 900)),
    gpu=st.sampled_from((None, 0.25, 0.5, 1, 2, 4)),
    custom=st.dictionaries(st.sampled_from("ab"), st.sampled_from((1.0, 2.0)), max_size=2),
)
capacities = st.builds(
    Capacity,
    workers=st.integers(1, 4),
    cpu=st.sampled_from((4.0, 4.5)),
    memory_mb=st.just(800),
    devices=st.sampled_from(((), ("0",), ("0", "1", "7"))),
    tokens=st.sampled_from(({}, {"a": 1}, {"a": 2, "b": 1})),
)
steps = st.lists(resources, min_size=1, max_size=5)


# SPEC 6.2-3, 6.2-4, 6.2-5
@settings(max_examples=150, deadline=None)
@given(capacities, steps, st.lists(st.integers(0, 4), max_size=30), st.randoms(use_true_random=False))
def test_claims_never_exceed_the_capacity_and_every_task_starts(capacity, asked, order, random):
    machine = Machine(capacity, {f"s{at}": one for at, one in enumerate(asked)})
    machine.put(*(f"s{at % len(asked)}" for at in order))
    started = len(machine.admit())

    while machine.running:
        machine.end(random.choice(machine.running))
        started += len(machine.admit())

    assert (started, len(machine.queue)) == (len(order), 0)


# SPEC 6.2-3
@settings(max_examples=100, deadline=None)
@given(capacities, steps, resources, st.randoms(use_true_random=False))
def test_the_task_whose_turn_it_is_starts_however_many_smaller_ones_come_after_it(
    capacity, asked, big, random
):
    machine = Machine(capacity, {**{f"s{at}": one for at, one in enumerate(asked)}, "big": big})
    machine.put(*machine.asked.keys() - {"big"})
    machine.admit()
    machine.put("big")

    for _ in range(10 * capacity.workers * (len(asked) + 5)):
        machine.put(f"s{random.randrange(len(asked))}")
        if "big" in machine.admit():
            break
        machine.end(machine.running[0])

    assert "big" in {launch.step for launch in machine.running}


TWO_CORES = Capacity(workers=2, cpu=2, memory_mb=1000, devices=("0", "1"), tokens={"licence": 1})


# SPEC 6.2-3
def test_a_task_that_waits_for_a_licence_holds_no_core():
    machine = Machine(TWO_CORES, {"licensed": Resources(custom={"licence": 1.0}), "plain": Resources()})
    machine.put("licensed", "licensed", "plain", "plain")

    assert machine.admit() == ["licensed", "plain"]
    machine.end_all("plain")
    assert machine.admit() == ["plain"]


# SPEC 6.2-3
def test_cores_are_kept_for_a_task_that_needs_them_all():
    machine = Machine(TWO_CORES, {"big": Resources(cpu=2), "plain": Resources()})
    machine.put("plain", "big", "plain")

    assert machine.admit() == ["plain"]
    machine.end_all("plain")
    assert machine.admit() == ["big"]


# SPEC 6.2-3
def test_a_request_above_the_capacity_runs_alone_and_is_told():
    machine = Machine(TWO_CORES, {"huge": Resources(cpu=64, memory_mb=9000), "free": Resources(cpu=0)})
    machine.put("huge", "free")

    alone = machine.admit()
    machine.end_all("huge")

    assert (alone, machine.admit()) == (["huge"], ["free"])
    assert list(warnings_of("huge", machine.asked["huge"], TWO_CORES)) == [
        "step huge asks for cpu=64, there are 2; its tasks run alone",
        "step huge asks for 9000 MB of memory, there are 1000; its tasks run alone",
    ]


# SPEC 6.2-4
def test_fractions_share_a_device_and_leave_the_others_whole():
    machine = Machine(
        Capacity(workers=9, cpu=9, memory_mb=1, devices=("0", "1")),
        {"half": Resources(gpu=0.5), "whole": Resources(gpu=1)},
    )
    machine.put("half", "half", "whole", "whole")

    machine.admit()

    assert [launch.devices for launch in machine.running] == [("0",), ("0",), ("1",)]


# SPEC 6.2-4
@pytest.mark.parametrize(
    ("devices", "given", "told"),
    [
        (("3",), ("3",), "step fit asks for gpu=2, there is 1; its tasks get what there is"),
        ((), (), "step fit asks for gpu=2, there are none; its tasks run without"),
    ],
)
def test_with_fewer_devices_than_asked_a_task_gets_those_there_are(devices, given, told):
    capacity = Capacity(workers=2, cpu=2, memory_mb=1, devices=devices)
    machine = Machine(capacity, {"fit": Resources(gpu=2)})
    machine.put("fit")

    machine.admit()

    assert machine.running[0].devices == given
    assert list(warnings_of("fit", machine.asked["fit"], capacity)) == [told]


# SPEC 6.2-7
def test_cores_are_kept_for_a_higher_priority_too():
    asked = {"big": Resources(cpu=2), "plain": Resources()}
    machine = Machine(TWO_CORES, asked, priorities={"big": 1})
    machine.put("plain")
    machine.admit()
    machine.put("plain", "plain", "big")

    assert machine.admit() == []
    machine.end_all("plain")
    assert machine.admit() == ["big"]
