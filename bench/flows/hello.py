"""Three steps, one artifact."""

from framework import FlowSpec, step


class BenchHello(FlowSpec):
    @step
    def start(self):
        self.greeting = "hello"
        self.next(self.middle)

    @step
    def middle(self):
        self.greeting += " world"
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    BenchHello()
