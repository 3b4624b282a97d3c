"""What a foreach takes, fixes, and refuses."""

import threading

import pytest
from one_task import Tasks

from stepwell import FlowSpec, step

GIVEN = [lambda: []]


class Each(FlowSpec):
    @step
    def start(self):
        self.items = GIVEN[0]()
        self.next(self.work, foreach="items")

    @step
    def work(self):
        self.got = self.input
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass


class Expression(FlowSpec):
    @step
    def start(self):
        self.next(self.work, foreach=GIVEN[0]())

    @step
    def work(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass


class Broken(Exception):
    def __str__(self):
        raise RuntimeError("no words")


class Refusing:
    def __iter__(self):
        raise OSError("the file is gone")


def failing(after, error):
    yield from range(after)
    raise error


@pytest.fixture
def given():
    def set_to(make):
        GIVEN[0] = make

    yield set_to
    GIVEN[0] = lambda: []


def items(tasks, split):
    pack = tasks.pack(split)
    return [tasks.datastore.load_item(pack, index) for index in range(pack.items.count)]


# SPEC 2.3-3
@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: {"b": 1, "a": 2}, ["b", "a"]),
        (lambda: range(3), [0, 1, 2]),
        (lambda: "xyz", ["x", "y", "z"]),
        (lambda: (n * n for n in range(3)), [0, 1, 4]),
        (lambda: map(str, [1, 2]), ["1", "2"]),
        (lambda: [None, [1]], [None, [1]]),
    ],
)
def test_the_items_are_those_of_the_iterable_in_its_order(given, make, expected):
    given(make)
    tasks = Tasks(Each)
    split = tasks.ok("start")
    assert items(tasks, split) == expected
    assert tasks.value(tasks.ok("work", [split], index=len(expected) - 1), "got") == expected[-1]


# SPEC 2.3-3
def test_a_generator_is_stored_as_the_list_of_its_items_and_a_set_agrees_with_its_indexes(given):
    given(lambda: (n for n in range(3)))
    tasks = Tasks(Each)
    assert tasks.value(tasks.ok("start"), "items") == [0, 1, 2]

    given(lambda: {"one", "two", "three"})
    tasks = Tasks(Each)
    split = tasks.ok("start")
    got = [tasks.value(tasks.ok("work", [split], index=index), "got") for index in range(3)]
    assert got == items(tasks, split)
    assert sorted(got) == ["one", "three", "two"]


# SPEC 2.3-7
@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: 5, "The artifact 'items' is of type `int`, which cannot be iterated over"),
        (lambda: None, "is of type `NoneType`"),
        (lambda: failing(2, ValueError("bad row")), "raised at item 2: ValueError: bad row"),
        (lambda: failing(1, Broken()), "raised at item 1: Broken: <its text cannot be made: RuntimeError>"),
        (Refusing, "raised before the first item: OSError: the file is gone"),
        (lambda: [1, {"lock": threading.Lock()}], "Item 1 of the artifact 'items' (dict) cannot be stored"),
    ],
)
def test_items_that_cannot_be_had_say_why_and_where(given, make, complaint):
    given(make)
    outcome = Tasks(Each).run("start")
    assert outcome.error.type == "stepwell.exceptions.ForeachError"
    assert complaint in outcome.error.message
    # The line is that of the iterating code: the step's, or the user's generator above it.
    assert outcome.error.message.startswith(f"{__file__}:")


def test_the_part_of_an_item_that_cannot_be_stored_is_named(given):
    given(lambda: [{"deep": [threading.Lock()]}])
    outcome = Tasks(Each).run("start")
    assert "its part `item['deep'][0]` (_thread.lock)" in outcome.error.message
    assert "Advice: make the lock in the step that needs it" in outcome.error.message


class Misspelt(FlowSpec):
    @step
    def start(self):
        self.numbers = [1]
        self.next(self.work, foreach="number")

    @step
    def work(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass


# SPEC 2.3-7
def test_an_artifact_that_does_not_exist_brings_the_nearest_name():
    outcome = Tasks(Misspelt).run("start")
    assert "iterates over `self.number`" in outcome.error.message
    assert "Did you mean 'numbers'?" in outcome.error.message


# SPEC 2.3-2
# SPEC 2.3-7
def test_an_expression_is_taken_as_it_is(given):
    given(lambda: (n for n in (5, 6)))
    tasks = Tasks(Expression)
    split = tasks.ok("start")
    assert items(tasks, split) == [5, 6]
    assert tasks.names(split) == set()
    frame = tasks.pack(tasks.ok("work", [split], index=1)).frames[0]
    assert (frame.var, frame.index, frame.num_splits) == (None, 1, 2)

    given(lambda: 3.5)
    outcome = Tasks(Expression).run("start")
    assert "The foreach expression is of type `float`" in outcome.error.message


# SPEC 2.3-8
def test_the_limit_stops_an_endless_iterable(given):
    from itertools import count

    given(count)
    outcome = Tasks(Each, max_num_splits=10).run("start")
    assert "more than 10 items" in outcome.error.message
    given(lambda: range(10))
    assert Tasks(Each, max_num_splits=10).run("start").ok


# SPEC 2.3-11
@pytest.mark.parametrize(
    ("item", "label"),
    [("Berlin", "Berlin"), (7, "7"), ("x" * 31, "'" + "x" * 26 + "..."), ([1, 2], "[1, 2]"), (None, "None")],
)
def test_the_label_of_a_task_is_its_item_in_short(given, item, label):
    given(lambda: [item])
    tasks = Tasks(Each)
    outcome = tasks.run("work", [tasks.ok("start")], index=0)
    assert outcome.label == label
    assert outcome.index_path == (0,)


# SPEC 2.3-5
def test_a_child_reads_its_own_item_only(given):
    given(lambda: [bytes(100_000), b"small", bytes(200_000)])
    tasks = Tasks(Each)
    split = tasks.ok("start")
    entry = next(own for own in tasks.pack(split).own if own.name == "items")
    read = []
    storage = tasks.datastore._storage
    original = storage.read

    class Counting:
        def __getattr__(self, name):
            return getattr(storage, name)

        def read(self, key, *args):
            data = original(key, *args)
            read.append(0 if data is None else len(data))
            return data

    tasks.datastore._storage = Counting()
    assert tasks.datastore.load_item(tasks.pack(split), 1) == b"small"
    assert entry.size > 300_000
    assert sum(read) < 20_000
