"""The smallest flow worth running: three steps and one artifact.

Run it with ``python hello.py run``, or ``python hello.py run --who Ada``.
"""

from stepwell import FlowSpec, Parameter, step


class Hello(FlowSpec):
    """Greets someone, in three steps."""

    who = Parameter("who", default="world", help="Whom to greet.")

    @step
    def start(self):
        """Whatever is set on ``self`` is an artifact: stored, versioned, readable in later steps."""
        self.greeting = f"Hello, {self.who}!"
        self.next(self.shout)

    @step
    def shout(self):
        """Read an artifact of an earlier step, and make another."""
        self.loud = self.greeting.upper()
        self.next(self.end)

    @step
    def end(self):
        """Show the result; it stays readable after the run, too."""
        print(self.loud)


if __name__ == "__main__":
    Hello()
