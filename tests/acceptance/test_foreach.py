"""Foreach in real runs."""

# SPEC 2.3-1
# SPEC 2.3-2
# SPEC 2.3-3
# SPEC 2.3-6
# SPEC 2.3-11
# SPEC 1.3-16
NESTED = """
class F(FlowSpec):
    @step
    def start(self):
        self.outside = [self.input, self.index, self.foreach_stack(), self._foreach_stack]
        self.letters = (letter for letter in "ab")
        self.next(self.outer, foreach="letters")

    @step
    def outer(self):
        self.letter = self.input
        self.numbers = {10: "x", 20: "y"}
        self.input_was = self.input
        self.next(self.inner, foreach=self.numbers)

    @step
    def inner(self):
        self.seen = [self.input, self.index, self.letter]
        self.shown = str(self)
        self.next(self.deeper)

    @step
    def deeper(self):
        self.stack = self.foreach_stack()
        self.frames = [tuple(frame) for frame in self._foreach_stack]
        self.names = self._foreach_stack[0]._fields
        self.step_now = self._current_step
        node = self._graph["outer"]
        self.node = [node.type, node.out_funcs, node.in_funcs, node.parallel_step]
        self.next(self.close_inner)

    @step
    def close_inner(self, inputs):
        self.mine = [self.input, self.index, len(inputs)]
        self.seen = [one.seen for one in inputs]
        self.own = [(one.index, one.input) for one in inputs]
        self.next(self.close_outer)

    @step
    def close_outer(self, inputs):
        self.all = [one.seen for one in inputs]
        self.outside = [self.input, self.index]
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def test_nested_foreaches_give_each_branch_its_items(flows):
    ran = flows.run(NESTED)
    assert ran.code == 0, ran.output
    assert ran.value("outside", "start") == [None, None, [], []]
    assert ran.value("letters", "start") == ["a", "b"]  # the generator was consumed once
    assert ran.value("all") == [
        [[10, 0, "a"], [20, 1, "a"]],
        [[10, 0, "b"], [20, 1, "b"]],
    ]
    assert ran.value("outside") == [None, None]

    frames = {task.frames[0].index: task for task in ran.tasks("close_inner")}
    datastore = ran.datastore
    second = datastore.visible(frames[1])
    assert datastore.load("F", second["mine"]) == ["b", 1, 2]
    assert datastore.load("F", second["own"]) == [(0, 10), (1, 20)]

    deepest = max(ran.tasks("deeper"), key=lambda task: [frame.index for frame in task.frames])
    entries = datastore.visible(deepest)
    value = {name: datastore.load("F", entry) for name, entry in entries.items()}
    assert value["stack"] == [(1, 2, "b"), (1, 2, 20)]
    assert value["frames"] == [("start", "letters", 2, 1, "b"), ("outer", None, 2, 1, 20)]
    assert value["names"] == ("step", "var", "num_splits", "index", "value")
    assert value["step_now"] == "deeper"
    assert value["node"] == ["foreach", ["inner"], ["start"], False]
    assert value["shown"] == "<flow F step inner[1][1] (20)>"
    assert deepest.outcome.label == "20" and deepest.outcome.index_path == (1, 1)


# SPEC 2.3-4
# SPEC 2.5-8
def test_an_empty_foreach_goes_straight_to_its_join_at_any_depth(flows):
    ran = flows.run("""
class F(FlowSpec):
    @step
    def start(self):
        self.kept = "from the split"
        self.next(self.outer, foreach=range(2))

    @step
    def outer(self):
        self.nothing = []
        self.mine = self.input
        self.next(self.inner, foreach="nothing")

    @step
    def inner(self):
        self.next(self.close)

    @step
    def close(self, inputs):
        self.count = [len(inputs), list(inputs), inputs[:]]
        self.split = inputs.split_task.mine
        self.merge_artifacts(inputs)
        self.next(self.meet)

    @step
    def meet(self, inputs):
        self.result = [(one.count, one.split, one.mine, one.kept) for one in inputs]
        self.splitter = inputs.split_task.kept
        self.next(self.end)

    @step
    def end(self):
        pass
    """)
    assert ran.code == 0, ran.output
    nothing = [0, [], []]
    assert ran.value("result") == [(nothing, 0, 0, "from the split"), (nothing, 1, 1, "from the split")]
    assert ran.value("splitter") == "from the split"
    assert ran.tasks("inner") == []


# SPEC 2.3-8
# SPEC 9.3-1
def test_more_items_than_allowed_fail_the_step(flows):
    ran = flows.run(
        """
class F(FlowSpec):
    @step
    def start(self):
        self.next(self.work, foreach=range(4))

    @step
    def work(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass
    """,
        "--max-num-splits",
        "3",
    )
    assert ran.code == 1
    assert "The foreach of step `start` yields more than 3 items" in ran.stdout
    assert "--max-num-splits" in ran.stdout and "flow.py:6" in ran.stdout
    assert ran.tasks("work") == []
