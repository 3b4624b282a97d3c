"""A wide foreach of trivial tasks and its join. Its last step fails if a variable says so."""

import os

from framework import FlowSpec, Parameter, step


class BenchFan(FlowSpec):
    width = Parameter("width", default=100)

    @step
    def start(self):
        self.items = list(range(self.width))
        self.next(self.work, foreach="items")

    @step
    def work(self):
        self.result = self.input * 2
        self.next(self.join)

    @step
    def join(self, inputs):
        self.total = sum(task.result for task in inputs)
        self.next(self.end)

    @step
    def end(self):
        assert self.total == self.width * (self.width - 1)
        assert "BENCH_FAILS" not in os.environ


if __name__ == "__main__":
    BenchFan()
