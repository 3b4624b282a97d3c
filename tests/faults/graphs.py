"""Flows whose artifacts depend on nothing but their places: undisturbed, two runs of one are equal."""

HEAD = """
import hashlib, os, time
from stepwell import FlowSpec, catch, current, parallel, retry, step

def digest(*values):
    return hashlib.blake2b(repr(values).encode(), digest_size=8).hexdigest()

class F(FlowSpec):
"""

TAIL = """
if __name__ == "__main__":
    F()
"""

CHAIN = """
    @step
    def start(self):
        self.value = digest("start")
        self.next(self.first)

    @retry(times=2, delay=0.05)
    @step
    def first(self):
        if current.retry_count == 0:
            raise ValueError("the first attempt")
        self.big = self.value * 5_000
        self.next(self.left, self.right)

    @step
    def left(self):
        self.value = digest(self.value, "left")
        self.next(self.join)

    @catch(var="failure")
    @step
    def right(self):
        self.value = digest(self.value, "right")
        self.next(self.join)

    @step
    def join(self, inputs):
        self.value = digest(*[one.value for one in inputs])
        self.merge_artifacts(inputs, exclude=["value", "failure"])
        self.next(self.end)

    @step
    def end(self):
        self.value = digest(self.value, self.big)
"""

NESTED = """
    @step
    def start(self):
        self.outer_items = list(range(4))
        self.next(self.outer, foreach="outer_items")

    @step
    def outer(self):
        self.place = self.input
        self.next(self.inner, foreach=[digest(self.input, i) for i in range(self.input)])

    @step
    def inner(self):
        self.value = digest(self.place, self.input)
        self.next(self.more)

    @step
    def more(self):
        self.value = digest(self.value)
        self.next(self.inner_join)

    @step
    def inner_join(self, inputs):
        self.values = [one.value for one in inputs]
        self.next(self.outer_join)

    @step
    def outer_join(self, inputs):
        self.values = [one.values for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        self.value = digest(self.values)
"""

WIDE = """
    @step
    def start(self):
        self.items = range(24)
        self.next(self.work, foreach="items")

    @step
    def work(self):
        print("works on", self.input)
        self.big = digest(self.input) * 3_000
        self.next(self.join)

    @step
    def join(self, inputs):
        self.value = digest(*[one.big for one in inputs])
        self.next(self.end)

    @step
    def end(self):
        self.value = digest(self.value)
"""

SMALL = """
    @step
    def start(self):
        self.common = digest("common") * 3_000
        self.next(self.work, foreach=["a", "b"])

    @step
    def work(self):
        print("works on", self.input)
        self.big = digest(self.input, self.common) * 3_000
        self.next(self.join)

    @step
    def join(self, inputs):
        self.value = digest(*[one.big for one in inputs])
        self.merge_artifacts(inputs, include=["common"])
        self.next(self.end)

    @step
    def end(self):
        self.value = digest(self.value, self.common)
"""

TURNS = """
    @step
    def start(self):
        self.turn, self.seen, self.kind = 0, (), "long"
        self.next({"long": self.head, "short": self.end}, condition="kind")

    @step
    def head(self):
        self.turn += 1
        self.next(self.body, foreach=["a", "b"])

    @step
    def body(self):
        self.value = digest(self.turn, self.input) * 3_000
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.merge_artifacts(inputs, exclude=["value"])
        self.seen = (*self.seen, digest(*[one.value for one in inputs]))
        self.next(self.decide)

    @step
    def decide(self):
        self.kind = "again" if self.turn < 3 else "done"
        self.next({"again": self.head, "done": self.end}, condition="kind")

    @step
    def end(self):
        self.value = digest(self.seen)
"""

GANG = """
    @step
    def start(self):
        self.common = digest("common") * 3_000
        self.next(self.train, num_parallel=3)

    @parallel
    @step
    def train(self):
        self.node = current.parallel.node_index
        self.value = digest(self.node, self.common) * 3_000
        self.next(self.join)

    @step
    def join(self, inputs):
        self.value = digest(*[one.value for one in inputs])
        self.next(self.end)

    @step
    def end(self):
        self.value = digest(self.value)
"""

GRAPHS = {"chain": CHAIN, "nested": NESTED, "wide": WIDE, "small": SMALL, "turns": TURNS, "gang": GANG}


def source(graph: str) -> str:
    """Return the flow's file."""
    return HEAD + GRAPHS[graph] + TAIL
