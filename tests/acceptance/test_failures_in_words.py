"""How a failure is told: once, and not longer than one can read."""

import pytest


def flow(*body):
    lines = "\n".join(f"        {line}" for line in body)
    return f"""
import atexit

class F(FlowSpec):
    @step
    def start(self):
{lines}
        self.next(self.end)

    @step
    def end(self):
        pass
"""


# SPEC 7.2-7
@pytest.mark.parametrize("isolation", ["fork", "spawn", "inline"])
def test_a_traceback_is_told_once_also_if_something_follows_it(flows, isolation):
    body = ["atexit.register(print, 'the last word', flush=True)", "raise ValueError('no such thing')"]
    if isolation == "inline":
        del body[0]  # its process goes on

    ran = flows.run(flow(*body[:-1], "if self.name: " + body[-1]), "--isolation", isolation)

    assert ran.code == 1
    assert ran.output.count("Traceback") == 1
    assert ran.stdout.count("ValueError: no such thing") == 2  # at the end of the frames, and as the reason
    assert ("the last word" in ran.output) == (isolation != "inline")


# SPEC 7.2-7
def test_a_traceback_is_told_where_the_task_s_own_lines_are_not(flows):
    ran = flows.run(flow("1 / 0"), "--show-logs", "none")

    assert ran.output.count("Traceback") == 1


def test_a_long_message_is_told_whole_once_and_its_beginning_in_the_reason(flows):
    ran = flows.run(flow("if self.name: raise ValueError('long ' * 10_000)"))

    assert ran.code == 1
    assert 50_000 < len(ran.output) < 55_000
    assert "long long... (" in ran.stdout.splitlines()[-1]


def test_the_reason_says_which_artifacts_cannot_be_stored(flows):
    ran = flows.run(flow("self.lines = (line for line in ())"))

    assert ran.code == 1
    assert "cannot be stored: - self.lines (generator)" in ran.stdout.splitlines()[-1]
