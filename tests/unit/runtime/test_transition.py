"""What ``self.next`` takes at run time, and what it says to the rest."""

import pytest
from one_task import Tasks

from stepwell import FlowSpec, step


class Wrong(FlowSpec):
    @step
    def start(self):
        CALLS[CASE[0]](self)
        self.next(self.a)

    @step
    def a(self):
        self.next(self.end)

    @step
    def end(self):
        pass

    def helper(self):
        pass


CASE = ["none"]
CALLS = {
    "none": lambda flow: None,
    "other": lambda flow: flow.next(flow.end),
    "twice": lambda flow: flow.next(flow.a),
    "nothing": lambda flow: flow.next(),
    "method": lambda flow: flow.next(flow.helper),
    "function": lambda flow: flow.next(len),
    "text": lambda flow: flow.next("a"),
    "stranger": lambda flow: flow.next(Wrong(use_cli=False).a),
    "option": lambda flow: flow.next(flow.a, speed=3),
    "wide": lambda flow: flow.next(flow.a, flow.end, foreach="x"),
    "switch": lambda flow: flow.next({"x": flow.a}),
    "foreach": lambda flow: flow.next(flow.a, foreach=[1]),
}


# SPEC 2.2-1
# SPEC 2.2-2
@pytest.mark.parametrize(
    ("case", "complaint"),
    [
        ("other", "went on to `self.next(self.end)`, but its source says `self.next(self.a)`"),
        ("twice", "calls `self.next` twice, in lines "),
        ("nothing", "has no target"),
        ("method", "got `Wrong.helper`, which is no step of this flow"),
        ("function", "got `len`, which is no step of this flow"),
        ("text", "got `'a'`, which is no step of this flow"),
        ("stranger", "got `Wrong.a`, which is no step of this flow"),
        ("option", "has no option 'speed'"),
        ("wide", "`foreach` takes one target, not 2"),
        ("switch", "needs `condition=`"),
        ("foreach", "went on to `self.next(self.a, foreach=...)`"),
    ],
)
def test_a_wrong_transition_is_refused_and_says_the_line_of_the_call(case, complaint):
    CASE[0] = case
    outcome = Tasks(Wrong).run("start")
    assert not outcome.ok
    assert outcome.error.type == "stepwell.exceptions.InvalidNextException"
    assert complaint in outcome.error.message
    line = CALLS[case].__code__.co_firstlineno if case != "twice" else Wrong.start.__code__.co_firstlineno + 3
    assert outcome.error.message.startswith(f"{__file__}:{line}: ")
