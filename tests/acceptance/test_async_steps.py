"""Steps that are `async def` run to their end in an event loop of their own."""

import re

import pytest
from command_line import Folder, words

FLOW = """
import asyncio, sys
from stepwell import FlowSpec, catch, retry, step, timeout

async def doubled(value):
    await asyncio.sleep(0.01)
    return 2 * value

class Waits(FlowSpec):
    @step
    async def start(self):
        self.items = await asyncio.gather(*(doubled(number) for number in range(3)))
        self.next(self.work, foreach="items")

    @step
    async def work(self):
        async with asyncio.timeout(10):
            self.got = await doubled(self.input)
            self.next(self.join)

    @step
    async def join(self, inputs):
        self.all = [one.got for one in inputs]
        self.next(self.troubled)

    @catch(var="failure")
    @retry(times=1)
    @timeout(seconds=1)
    @step
    async def troubled(self):
        {body}
        self.next(self.end)

    @step
    def end(self):
        print("all", self.all, repr(self.failure))

if __name__ == "__main__":
    Waits()
"""


@pytest.fixture
def waits(folder: Folder):
    def run(body: str) -> str:
        folder.file(FLOW.format(body=body))
        done = folder.run()
        assert done.returncode == 0, words(done)
        return words(done)

    return run


# SPEC 2.1-5
def test_artifacts_splits_and_joins_work_as_in_plain_steps(waits):
    assert "all [0, 4, 8] None" in waits("pass")


# SPEC 2.1-5
def test_an_exception_is_tried_again_then_caught_and_shows_the_users_line(waits):
    said = waits("await doubled(None)")

    assert said.count("TypeError: unsupported operand") >= 2
    assert "in doubled" in said
    assert "base_events.py" not in said
    assert (
        "all [0, 4, 8] StepwellExceptionWrapper" in said or "TypeError" in said.partition("all [0, 4, 8] ")[2]
    )


# SPEC 2.1-5
# SPEC 6.1-10
def test_time_that_is_up_ends_the_wait_and_says_where_it_was(waits):
    said = waits("await asyncio.sleep(60)")

    assert "Step 'troubled' timed out" in said
    assert "The step was waiting here" in said
    assert re.search(r"flow\.py:\d+: Step 'troubled' timed out", said), (
        "the line of the step, not of the loop"
    )
    assert "await asyncio.sleep(60)" in said
    assert "all [0, 4, 8]" in said


# SPEC 2.1-5
def test_what_is_left_running_is_cancelled_and_told_by_name(waits):
    said = waits(
        "self.left = None; asyncio.create_task(asyncio.sleep(60), name='slow one'); await asyncio.sleep(0)"
    )

    assert "Step 'troubled' has ended; what it left running is cancelled: slow one (sleep)." in said
    assert "all [0, 4, 8] None" in said


# SPEC 2.1-5
def test_a_step_that_yields_is_refused_async_or_not(folder):
    folder.file(FLOW.format(body="yield 1"))

    done = folder.call("flow.py", "check")

    assert done.returncode == 2
    assert "`troubled` contains `yield`" in words(done)
