"""Mutators in runs of the real command line."""

import pytest
from command_line import words
from stored_runs import stored_run, values_of

TEAM = """
from stepwell import FlowMutator, Parameter, StepMutator, user_step_decorator, exit_hook

FACTOR = 2

@user_step_decorator
def scaled(step_name, flow, inputs):
    yield
    flow.scaled = flow.rows * FACTOR

def tell(run):
    print("hook of", run.id)

class Rows(StepMutator):
    def pre_mutate(self, mutable_step):
        mutable_step.flow.add_parameter("rows", Parameter("rows", type=int, default=3, help="Rows to take."))

    def mutate(self, mutable_step):
        mutable_step.add_decorator(scaled)
        mutable_step.add_decorator("cache")

class Standard(FlowMutator):
    def init(self, retries):
        self.retries = retries

    def pre_mutate(self, mutable_flow):
        mutable_flow.remove_parameter("old")
        mutable_flow.add_decorator(exit_hook, deco_kwargs={"on_success": [tell]})
        mutable_flow.start.add_decorator(Rows)

    def mutate(self, mutable_flow):
        for name, step in mutable_flow.steps:
            step.add_decorator("retry", deco_kwargs={"times": self.retries})
"""
FLOW = """
from stepwell import Config, FlowSpec, Parameter, current, environment, step
from team import Standard

class Base(FlowSpec):
    cfg = Config("cfg", default_value={"retries": 1})
    old = Parameter("old", default=1)

@Standard(Base.cfg.retries)
class Mutated(Base):
    @step
    def start(self):
        self.attempts = current.retry_count + 1
        assert self.attempts > 1, "only a retry goes well"
        self.seen = (self.rows, hasattr(self, "old"))
        self.next(self.end)

    @environment(vars={"ANY": "1"})
    @step
    def end(self):
        self.again = self.rows

if __name__ == "__main__":
    Mutated()
"""


@pytest.fixture
def mutated(folder):
    folder.file(TEAM, "team.py")
    folder.file(FLOW)
    return folder


def values(folder, step, run="1"):
    return values_of(stored_run(folder, run, "Mutated"))[step, ""]


# SPEC 4.3-1, 4.3-2, 4.4-2
@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_every_process_sees_the_parameters_and_decorators_that_mutators_have_added(mutated, isolation):
    done = mutated.run("--rows", "5", "--isolation", isolation)

    assert done.returncode == 0, words(done)
    start = values(mutated, "start")
    assert (start["seen"], start["attempts"], start["scaled"]) == ((5, False), 2, 10)
    assert values(mutated, "end")["again"] == 5
    assert "hook of 1" in words(done)


# SPEC 4.3-5
def test_what_mutators_inserted_is_shown_and_part_of_the_code_of_steps(mutated):
    shown = mutated.call("flow.py", "--with", "timeout:seconds=60", "show", "--decorators").stdout
    assert "@Standard(1)\nFlow Mutated" in shown
    assert "# inserted by team.Standard\nFlow" not in shown
    assert "@exit_hook(on_success=[<function team.tell" in shown
    assert "@scaled  # inserted by team.Rows, which was inserted by team.Standard\n" in shown
    assert "@retry(times=1)  # inserted by team.Standard\n" in shown
    assert "@timeout(seconds=60)  # added from outside the source\n" in shown
    listed = mutated.call("flow.py", "run", "--help").stdout
    assert "--rows" in listed and "Rows to take." in listed and "--old" not in listed
    refused = mutated.run("--old", "2")
    assert refused.returncode == 2 and "--old" in words(refused)

    assert mutated.run().returncode == 0
    assert "1 cached" in words(mutated.run())
    mutated.file(TEAM.replace("FACTOR = 2", "FACTOR = 4"), "team.py")
    assert "1 cached" not in words(mutated.run())
    assert values(mutated, "start", "3")["scaled"] == 12


# SPEC 4.3-4, 4.3-6
@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            "mutable_step.add_decorator(scaled)",
            "1 / 0",
            "team.py:19: @Rows: its `mutate` failed: ZeroDivision",
        ),
        (
            "mutable_step.add_decorator(scaled)",
            "mutable_step.flow.remove_parameter('rows')",
            "team.py:19: @Rows removes the parameter 'rows' too late. Do it in `pre_mutate`",
        ),
        (
            "    def mutate(self, mutable_step)",
            "    def add_to_package(self):\n        yield\n\n    def mutate(self, mutable_step)",
            "@Rows has a method `add_to_package`, which is not called in this version",
        ),
    ],
)
def test_a_mutator_that_does_what_it_must_not_is_an_error_of_the_flow(mutated, before, after, said):
    mutated.file(TEAM.replace(before, after), "team.py")

    for command in ("run", "check"):
        done = mutated.call("flow.py", command)
        assert done.returncode == 2
        assert said in words(done)
