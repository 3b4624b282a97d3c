"""How a failure is told: once, and not longer than one can read."""

import pytest
from command_line import on_terminal


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


SECRET = """
from stepwell import FlowSpec, step

def connect(name):
    password = "hunter" + "2"
    retries = [0, 1]
    raise OSError(f"{name} does not answer")

class F(FlowSpec):
    @step
    def start(self):
        attempts = 3
        connect("the server")
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    F()
"""


# SPEC 7.2-7
def test_a_terminal_shows_the_local_variables_of_the_last_frame_and_nothing_keeps_them(folder):
    script = folder.file(SECRET)

    shown = on_terminal(folder.path, str(script), "run")

    assert all(line in shown for line in ("password = 'hunter2'", "retries = [0, 1]", "name = 'the server'"))
    assert "attempts = 3" not in shown  # of a frame before the last
    stored = [path.read_bytes() for path in (folder.path / ".stepwell").rglob("*") if path.is_file()]
    assert len(stored) > 5 and not any(b"hunter2" in content for content in stored)


# SPEC 7.2-7
@pytest.mark.parametrize("option", ["--quiet", "--json"])
def test_what_is_no_terminal_shows_no_local_variables(folder, option):
    folder.file(SECRET)
    args = [option, "run"] if option == "--quiet" else ["run", option]

    ran = folder.call("flow.py", *args)

    assert ran.returncode == 1
    assert "hunter2" not in ran.stdout + ran.stderr
