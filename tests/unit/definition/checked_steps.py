"""A flow with all that the class of a flow can have, and what the checks of its steps find."""

from __future__ import annotations

from flow_sources import flow_from

from stepwell.definition.extended_checks import problems_in_steps
from stepwell.definition.flow_definition import define

FLOW = """
import contextlib
from functools import cached_property, wraps

def custom(function):
    @wraps(function)
    def wrapped(self, *args):
        self.given = 1
        return function(self, *args)
    return wrapped

def touch(flow):
    global touched
    flow.given = touched = 1

class Base(FlowSpec):
    def sets(self):
        self.given = 1

    def setup(self):
        self.given = 1

class Sample(Base):
    number = Parameter("number", default=1)
    KINDS = ["a"]

    def helper(self):
        return self.missing

    def deep(self):
        if self.number:
            self.deep()
        self.shallow()

    def shallow(self):
        self.deep()
        self.given = 1

    def setup(self):
        super().setup()

    @property
    def doubled(self):
        return self.missing * 2

    @property
    def settled(self):
        self.given = 1
        return 1

    @cached_property
    def once(self):
        return self.number

    @property
    def changeable(self):
        return self.given

    @changeable.setter
    def changeable(self, value):
        self.given = value

    @classmethod
    def prepares(cls):
        cls.given = 1

    @classmethod
    def only_looks(cls):
        return cls.KINDS

    @staticmethod
    def fixed(value):
        return value

    {decorator}
    @step
    def start(self):
{body}
        self.next(self.end)

    @step
    def end(self):
        {end}
"""


def found(flow: type) -> list[tuple[str, str, str, int]]:
    """Severity, rule, step and line of what is found; lines count from ``class``."""
    definition = define(flow)
    return [
        (one.severity, one.rule, one.step, int(one.where.rpartition(":")[2]))
        for one in problems_in_steps(flow, definition.graph, definition.decorators)
    ]


def in_start(body: str, end: str = "pass", decorator: str = "") -> list[tuple[str, str]]:
    lines = "\n".join(f"        {line}" for line in body.splitlines())
    text = FLOW.replace("{body}", lines).replace("{end}", end).replace("{decorator}", decorator)
    return [(severity, rule) for severity, rule, *_ in found(flow_from(text))]
