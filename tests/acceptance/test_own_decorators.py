"""Step decorators that users write, in runs of the real command line."""

import pytest
from command_line import words
from stored_runs import stored_run, values_of

DECORATORS = """
from stepwell import UserStepDecorator, user_step_decorator

RATE = 2

@user_step_decorator
def doubled(step_name, flow, inputs, attributes):
    flow.temporary = (one for one in ())
    yield
    del flow.temporary
    flow.total = flow.total * attributes.get("by", RATE)

class Guarded(UserStepDecorator):
    def init(self, on):
        self.on = on

    def post_step(self, step_name, flow, exception=None):
        flow.guarded = self.on
        return None if isinstance(exception, KeyError) else exception
"""
FLOW = """
import time
from stepwell import FlowSpec, Parameter, cache, catch, current, retry, step, timeout, user_step_decorator
from decorators import Guarded, doubled

@user_step_decorator
def seen(step_name, flow, inputs):
    print(f"before {step_name}")
    yield
    print(f"after {step_name}")

class Own(FlowSpec):
    @seen
    @doubled(by=10)
    @step
    def start(self):
        self.total = 1
        self.next(self.each, foreach=["good", "bad", "slow", "key"])

    @catch(var="failure")
    @retry(times=1)
    @timeout(seconds=1)
    @Guarded("errors")
    @step
    def each(self):
        self.attempts = current.retry_count + 1
        if self.input == "bad":
            raise ValueError("bad")
        if self.input == "slow":
            time.sleep(30)
        if self.input == "key":
            raise KeyError("key")
        self.next(self.join)

    @doubled
    @step
    def join(self, inputs):
        self.total = 1
        self.found = [(type(one.failure).__name__, one.attempts) for one in inputs]
        self.guarded = {one.guarded for one in inputs}
        self.next(self.tail)

    @cache
    @doubled
    @step
    async def tail(self):
        self.total += 1
        self.next(self.end)

    @step
    def end(self):
        print("total", self.total)

if __name__ == "__main__":
    Own()
"""


def values(folder, step, run="1"):
    return values_of(stored_run(folder, run, "Own"))[step, ""]


@pytest.fixture
def own(folder):
    folder.file(DECORATORS, "decorators.py")
    folder.file(FLOW)
    return folder


# SPEC 4.2-2, 4.2-5, 4.2-7, 4.2-9
@pytest.mark.parametrize("isolation", ["fork", "spawn", "inline"])
def test_they_wrap_steps_of_every_kind_inside_of_what_stepwell_does_about_failures(own, isolation):
    done = own.run("--isolation", isolation)

    assert done.returncode == 0, words(done)
    assert words(done).index("before start") < words(done).index("after start")
    joined = values(own, "join", "1")
    wrapped = "StepwellExceptionWrapper"
    assert joined["found"] == [("NoneType", 1), (wrapped, 2), (wrapped, 2), ("NoneType", 1)]
    assert joined["guarded"] == {"errors"}
    assert values(own, "end", "1")["total"] == 6, "(1 * 2 + 1) * 2"


# SPEC 4.1-3
def test_they_are_attached_from_the_command_line_shown_and_part_of_the_code(own):
    added = ("--with", "decorators.Guarded:on=all", "--with", "seen")
    done = own.run(*added)

    assert done.returncode == 0, words(done)
    assert words(done).count("before start") == 1, "it has it already"
    assert values(own, "end", "1")["guarded"] == "all"
    shown = own.call("flow.py", "show").stdout
    assert "@seen\n@doubled\nStep start" in shown
    assert own.call("flow.py", "check").returncode == 0
    spun = own.call("flow.py", "spin", "end", "--with", "seen")
    assert spun.returncode == 0 and "before end" in words(spun)

    again = own.run(*added)
    assert "1 cached" in words(again), words(again)
    own.file(DECORATORS.replace("RATE = 2", "RATE = 3"), "decorators.py")
    changed = own.run(*added)
    assert "cached" not in words(changed)
    assert values(own, "end", "3")["total"] == 12


# SPEC 4.2-1
@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("def seen(step_name, flow, inputs):\n    pass", "flow.py:6: @user_step_decorator stands on `seen`"),
        ("def seen(step_name):\n    yield", "flow.py:6: @user_step_decorator: `seen` takes 1 arguments"),
    ],
)
def test_a_function_that_cannot_be_one_is_an_error_at_its_line(own, function, said):
    before, _, rest = FLOW.partition("def seen")
    own.file(before + function + "\n\n" + rest[rest.index("class Own") :])

    done = own.run()

    assert done.returncode == 2
    assert said in words(done)


# SPEC 4.2-2
def test_what_goes_wrong_in_one_shows_the_users_frames(own):
    own.file(DECORATORS.replace("flow.total * ", "flow.total / 0 * "), "decorators.py")

    done = own.run()

    assert done.returncode == 1
    assert 'decorators.py", line 11, in doubled' in words(done)
    assert "ZeroDivisionError" in words(done)
