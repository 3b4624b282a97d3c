"""A large array made in one step and read in the two that follow."""

import time

import numpy as np

from framework import FlowSpec, Parameter, note, step


class BenchArray(FlowSpec):
    mebibytes = Parameter("mebibytes", default=512)

    @step
    def start(self):
        self.array = np.random.default_rng(0).random(self.mebibytes << 17)
        self.made_at = time.time()
        self.next(self.middle)

    @step
    def middle(self):
        note("stored_s", time.time() - self.made_at)
        began = time.perf_counter()
        array = self.array
        note("load_s", time.perf_counter() - began)
        self.mean = float(array.mean())
        self.next(self.end)

    @step
    def end(self):
        assert abs(float(self.array.mean()) - self.mean) < 1e-12


if __name__ == "__main__":
    BenchArray()
