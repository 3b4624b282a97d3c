"""A small flow, and mutators that do to it what a test gives."""

from __future__ import annotations

from stepwell import Config, FlowMutator, FlowSpec, Parameter, StepMutator, retry, step, user_step_decorator
from stepwell.definition.flow_definition import define


@user_step_decorator
def noting(step_name, flow, inputs):
    yield


def tell():
    pass


def mutator(pre=None, late=None, base=FlowMutator):
    """A mutator class that does what the test gives."""

    class Given(base):
        def pre_mutate(self, mutable):
            return pre and pre(mutable)

        def mutate(self, mutable):
            return late and late(mutable)

    return Given


def flow_with(on_flow=lambda cls: cls, on_step=lambda function: function):
    @on_flow
    class Small(FlowSpec):
        cfg = Config("cfg", default_value={"times": 4})
        alpha = Parameter("alpha-name", default=1)

        @on_step
        @retry(times=cfg.times)
        @step
        def start(self):
            self.next(self.end)

        @step
        def end(self):
            pass

    return Small


def names(definition, step_name="start"):
    return [one.name for one in definition.decorators[step_name]]


def by_flow(pre=None, late=None, *specs):
    return define(flow_with(mutator(pre, late)), specs)


def by_step(pre=None, late=None, *specs):
    return define(flow_with(on_step=mutator(pre, late, StepMutator)), specs)
