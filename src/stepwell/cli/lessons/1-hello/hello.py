"""The smallest flow worth running: three steps, and a value that goes through them."""

from stepwell import FlowSpec, step


class HelloFlow(FlowSpec):
    """Says hello, louder and louder."""

    @step
    def start(self):
        """Every flow begins with a step of this name."""
        self.greeting = "hello"
        self.next(self.shout)

    @step
    def shout(self):
        """What an earlier step has put on `self` is there."""
        print("I was given:", self.greeting)
        self.greeting = self.greeting.upper() + "!"
        self.next(self.end)

    @step
    def end(self):
        """Every flow ends with a step of this name."""
        print(self.greeting)


if __name__ == "__main__":
    HelloFlow()
