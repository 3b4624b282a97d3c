"""What a scheduler says of a task that is due, held against the graph and what has run."""

import pytest
from one_task import RUN, Tasks

from stepwell import FlowSpec, step
from stepwell.exceptions import StepwellDataMissing, UsageError
from stepwell.model.task import TaskRef
from stepwell.runtime.task_order import TaskOrder, due_task, inputs_in


class F(FlowSpec):
    @step
    def start(self):
        self.next(self.work, foreach=["a", "b", "c"])

    @step
    def work(self):
        self.next(self.left, self.right)

    @step
    def left(self):
        self.next(self.deeper, foreach=range(self.index))

    @step
    def deeper(self):
        self.next(self.inner)

    @step
    def inner(self, inputs):
        self.next(self.both)

    @step
    def right(self):
        self.next(self.both)

    @step
    def both(self, inputs):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass


class Ran:
    """A run of the flow: what each step's tasks are called, by foreach item."""

    def __init__(self):
        self.tasks = Tasks(F)
        self.start = self.tasks.ok("start")
        self.work, self.left, self.right, self.inner, self.both = {}, {}, {}, {}, {}
        for item in range(3):
            self.work[item] = self.tasks.ok("work", [self.start], item)
            self.left[item] = self.tasks.ok("left", [self.work[item]])
            deeper = [self.tasks.ok("deeper", [self.left[item]], below) for below in range(item)]
            self.inner[item] = self.tasks.ok("inner", deeper, split=self.left[item])
            self.right[item] = self.tasks.ok("right", [self.work[item]])
            self.both[item] = self.tasks.ok(
                "both", [self.inner[item], self.right[item]], split=self.work[item]
            )

    def due(self, step, *inputs, index=None, task="x-1"):
        paths = tuple(name if isinstance(name, str) else f"{RUN}/{name[0]}/{name[1]}" for name in inputs)
        order = TaskOrder(run=RUN, step=step, task=task, inputs=paths, index=index)
        return due_task(order, "F", self.tasks.definition.graph, self.tasks.datastore)


@pytest.fixture(scope="module")
def ran():
    return Ran()


def refs(*tasks):
    return tuple(TaskRef(*task) for task in tasks)


# SPEC 9.3-15
def test_the_first_step_follows_the_parameters(ran):
    due = ran.due("start", ("_parameters", "0"))

    assert due.request.parents == refs(("_parameters", "0"))
    assert due.index_path == ()


# SPEC 9.3-15
def test_a_task_of_a_foreach_gets_its_index_and_those_around_it(ran):
    due = ran.due("deeper", ran.left[2], index=1)

    assert (due.request.index, due.index_path) == (1, (2, 1))


# SPEC 9.3-15
# SPEC 2.5-1
def test_a_join_gets_its_inputs_in_the_order_of_the_branches_and_finds_its_split(ran):
    static = ran.due("both", ran.right[1], ran.inner[1])
    foreach = ran.due("join", ran.both[2], ran.both[0], ran.both[1])

    assert static.request.parents == refs(ran.inner[1], ran.right[1])
    assert (static.request.split, static.index_path) == (TaskRef(*ran.work[1]), (1,))
    assert foreach.request.parents == refs(ran.both[0], ran.both[1], ran.both[2])
    assert (foreach.request.split, foreach.index_path) == (TaskRef(*ran.start), ())


# SPEC 2.3-4
def test_the_opener_as_the_only_input_stands_for_a_foreach_without_items(ran):
    due = ran.due("inner", ran.left[0])

    assert (due.request.parents, due.request.split) == ((), TaskRef(*ran.left[0]))
    assert due.index_path == (0,)


# SPEC 9.3-15
@pytest.mark.parametrize(
    ("order", "said"),
    [
        (lambda ran: ran.due("wrk", ran.start), "`work`"),
        (lambda ran: ran.due("work", ran.start, index=0, task="3-5"), "range of tasks"),
        (lambda ran: ran.due("work"), "No inputs are given"),
        (lambda ran: ran.due("work", "start/1", index=0), "RUN/STEP/TASK"),
        (lambda ran: ran.due("work", "8/start/1", index=0), "another run than `7`"),
        (lambda ran: ran.due("work", ran.start, ran.start, index=0), "it follows one task, not 2"),
        (lambda ran: ran.due("work", ran.start), "--split-index says which of its 3 items"),
        (lambda ran: ran.due("work", ran.start, index=3), "the foreach of 7/start/1 has 3 items"),
        (lambda ran: ran.due("left", ran.work[0], index=0), "opens no foreach"),
        (lambda ran: ran.due("left", ran.start), "went to `work`, not to `left`"),
        (lambda ran: ran.due("join", ran.both[0], index=0), "is a join: leave --split-index out"),
        (lambda ran: ran.due("join", ran.both[0], ran.both[2]), "missing are `work[1]`"),
        (lambda ran: ran.due("both", ran.right[0]), "missing are `left`"),
        (lambda ran: ran.due("both", ran.right[0], ran.inner[1]), "from several splits"),
        (lambda ran: ran.due("join", ran.right[0]), "did not go to `join`"),
        (lambda ran: ran.due("inner", ran.left[1]), "7/left/"),
        (lambda ran: ran.due("both", ran.work[1]), "Name the last task of each"),
    ],
)  # fmt: skip
def test_an_order_that_does_not_fit_is_refused_in_words(ran, order, said):
    with pytest.raises(UsageError) as caught:
        order(ran)

    assert said in str(caught.value)


# SPEC 9.3-15
def test_an_input_that_has_not_succeeded_is_named(ran):
    with pytest.raises(StepwellDataMissing, match="F/7/start/99"):
        ran.due("work", ("start", "99"), index=0)


def test_two_inputs_of_one_branch_are_refused():
    ran = Ran()
    twin = ran.tasks.ok("both", [ran.inner[0], ran.right[0]], split=ran.work[0])

    with pytest.raises(UsageError, match="Two inputs come from one branch"):
        ran.due("join", ran.both[0], twin, ran.both[1], ran.both[2])


def test_a_long_list_of_missing_branches_is_cut():
    tasks = Tasks(Wide)
    first = tasks.ok("start")
    one = tasks.ok("work", [first], 0)
    order = TaskOrder(run=RUN, step="join", task="j", inputs=(f"{RUN}/{one[0]}/{one[1]}",))

    with pytest.raises(UsageError, match=r"`work\[10\]` and 39 more"):
        due_task(order, "Wide", tasks.definition.graph, tasks.datastore)


class Wide(FlowSpec):
    @step
    def start(self):
        self.next(self.work, foreach=range(50))

    @step
    def work(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass


@pytest.mark.parametrize("text", ["r/a/1,r/b/2", "r/a/1\nr/b/2\n", " r/a/1 , r/b/2", "r/a/1,\nr/b/2,"])
def test_inputs_are_listed_by_commas_or_lines(text):
    assert list(inputs_in(text)) == ["r/a/1", "r/b/2"]
