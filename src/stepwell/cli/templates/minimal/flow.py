"""The flow of project-name. Run it with ``python flow.py run``."""

from stepwell import FlowSpec, Parameter, step


class ProjectFlow(FlowSpec):
    """Say here what the flow does; ``python flow.py show`` prints it."""

    who = Parameter("who", default="world", help="Whom to greet.")

    @step
    def start(self):
        """What is put on self is stored, and is there in later steps."""
        self.greeting = f"Hello, {self.who}!"
        self.next(self.end)

    @step
    def end(self):
        """Show the result."""
        print(self.greeting)


if __name__ == "__main__":
    ProjectFlow()
