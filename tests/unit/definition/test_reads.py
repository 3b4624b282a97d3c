from __future__ import annotations

from stepwell.definition.flowspec import FlowSpec
from stepwell.definition.reads import mentions
from stepwell.definition.step import step


class Flow(FlowSpec):
    @step
    def start(self):
        """Reads nothing called beta."""
        print(self.alpha)
        self.next(self.middle)

    @step
    def middle(self):
        values = [self.scaled(item) for item in range(3)]
        self.values = values
        self.next(self.end)

    @step
    def end(self):
        print(getattr(self, "gamma"))  # noqa: B009

    def scaled(self, item):
        return item * self.factor()

    def factor(self):
        return self.beta if self.scaled else 0


# SPEC 7.4-8
def test_a_step_mentions_what_it_and_the_methods_that_it_calls_name():
    assert mentions(Flow, "start", "alpha") and not mentions(Flow, "start", "beta")
    assert mentions(Flow, "middle", "beta") and not mentions(Flow, "middle", "alpha")
    assert mentions(Flow, "end", "gamma") and not mentions(Flow, "end", "alpha")
