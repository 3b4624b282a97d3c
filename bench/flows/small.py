"""A thousand small artifacts made in one step; the next one reads a few of them and passes them all on."""

from framework import FlowSpec, step


class BenchSmall(FlowSpec):
    @step
    def start(self):
        for number in range(1000):
            setattr(self, f"value_{number}", [number, str(number)])
        self.next(self.middle)

    @step
    def middle(self):
        self.some = [self.value_1, self.value_500]
        self.next(self.end)

    @step
    def end(self):
        assert self.value_999 == [999, "999"]


if __name__ == "__main__":
    BenchSmall()
