"""The debugger in tasks, on a real terminal: `breakpoint()`, `--debug` and `--pdb`."""

import re
import sys

import pytest
from command_line import answered_on_terminal, words

FLOW = """
import os, pdb, time
from stepwell import FlowSpec, Parameter, environment, retry, step, timeout

class Debugged(FlowSpec):
    where = Parameter("where", default="")
    marks = Parameter("marks", default=".")

    @step
    def start(self):
        self.x = 41
        self.items = ["a", "b"]
        self.next(self.work, foreach="items")

    @environment(vars={{"MARK": "set"}})
    @retry(times=2, minutes_between_retries=0)
    @step
    def work(self):
        self.length = 1000 + self.x
        {body}
        self.next(self.join)

    @step
    def join(self, inputs):
        self.lengths = sum(one.length for one in inputs)
        self.next(self.end)

    @step
    def end(self):
        print("the end:", self.lengths)

if __name__ == "__main__":
    Debugged()
"""
STOP = "breakpoint()"
PROMPT = "(Pdb) "
# What is typed to quit: since Python 3.14 the debugger asks whether that is meant.
QUIT = [("Quit anyway", "y\n")] if sys.version_info >= (3, 14) else []


def debugged(folder, *args, typed, body=STOP):
    folder.file(FLOW.format(body=body))
    text, code = answered_on_terminal(folder.path, "flow.py", *args, typed=typed)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r\n", "\n"), code


# SPEC 7.6-5
@pytest.mark.parametrize("isolation", ["fork", "spawn", "inline"])
def test_the_tasks_of_a_debugged_step_are_on_the_terminal_one_after_another(folder, isolation):
    folder.file(FLOW.format(body=STOP).replace('@environment(vars={"MARK": "set"})', ""))

    text, code = answered_on_terminal(
        folder.path, "flow.py", "run", "--debug", "work", "--isolation", isolation,
        typed=[
            (PROMPT, "p self.input, self.x\n"), ("('a', 41)", "c\n"),
            (PROMPT, "p self.input\n"), ("'b'", "c\n"),
        ],
    )  # fmt: skip

    assert code == 0, text
    assert "the end: 2082" in text and "run succeeded" in text
    assert folder.states() == ["succeeded"]
    if isolation != "inline":
        assert "p self.input" not in text.partition("run succeeded")[2]
        assert "('a', 41)" in folder.call("flow.py", "logs", "1/work[0]").stdout


# SPEC 7.6-5
def test_a_debugged_step_has_its_own_variables(folder):
    text, code = debugged(
        folder, "run", "--debug", "work[1]",
        typed=[(PROMPT, "p os.environ['MARK'], self.index\n"), ("('set', 1)", "c\n")],
        body="if self.index == 1: breakpoint()",
    )  # fmt: skip

    assert code == 0, text


# SPEC 7.6-5
def test_only_the_item_that_is_named_is_debugged(folder):
    text, code = debugged(folder, "run", "--debug", "work[1]", typed=[(PROMPT, "c\n")])

    assert code == 1
    assert "`breakpoint()` has no terminal here" in text
    assert text.count(PROMPT) == 1


# SPEC 7.6-5
def test_other_output_waits_until_the_debugged_task_has_ended(folder):
    body = (
        "if self.index == 0:\n            breakpoint()\n"
        "        else:\n            [print('other', n, flush=True) or time.sleep(0.01) for n in range(30)]"
    )

    text, code = debugged(
        folder, "run", "--debug", "work[0]", body=body, typed=[(PROMPT, "!time.sleep(1)\n"), (PROMPT, "c\n")]
    )

    first, last = text.index(PROMPT), text.rindex(PROMPT)
    assert code == 0
    assert "other" not in text[first:last].replace("has the terminal; other output waits", "")
    assert text.count("other 29") == 1 and text.index("other 29") > last


# SPEC 7.6-5
def test_quitting_the_debugger_fails_the_task_and_the_run_can_be_continued(folder):
    text, code = debugged(folder, "run", "--debug", "work", typed=[(PROMPT, "q\n"), *QUIT])

    assert code == 1
    assert "run failed: task 1/work/2 failed: " in text and "the debugger was quit" in text
    assert "The debugger was quit, or" in text
    assert text.count("has the terminal") == 1 and "bdb.py" not in text
    folder.file(FLOW.format(body="pass"))
    done = folder.call("flow.py", "continue")
    assert done.returncode == 0, words(done)
    assert "the end: 2082" in done.stdout


# SPEC 7.6-5
def test_ctrl_c_reaches_the_debugged_task_and_not_the_run(folder):
    sleep = "print('asleep'); [time.sleep(0.1) for _ in range(600)]"
    body = f"if self.index == 0:\n            breakpoint()\n            {sleep}"

    text, code = debugged(
        folder, "run", "--debug", "work[0]", body=body,
        typed=[
            # Python looks at signals between keys: an early Ctrl-C is heard with the next one.
            (PROMPT, "\x03\n"), ("--KeyboardInterrupt--", "c\n"),
            ("asleep\r\n", "\x03"), ("Program interrupted", "q\n"), *QUIT,
        ],
    )  # fmt: skip

    assert code == 1, text
    assert "the debugger was quit" in text and "run failed" in text
    assert folder.states() == ["failed"]


# SPEC 7.6-5
def test_the_terminal_is_as_it_was_after_the_debugged_task_was_killed(folder):
    text, code = debugged(
        folder, "run", "--debug", "work[0]", body="if self.index == 0: breakpoint()",
        typed=[(PROMPT, "!os.system('stty raw -echo'); os.kill(os.getpid(), 9)\n")],
    )  # fmt: skip

    assert code == 1
    assert "killed by signal 9" in text
    assert "\r\n" in answered_on_terminal(folder.path, "flow.py", "runs", typed=[])[0]


# SPEC 7.6-5
@pytest.mark.parametrize("body", [STOP, "pdb.set_trace()"])
def test_without_a_terminal_a_breakpoint_fails_at_once_with_a_hint(folder, body):
    folder.file(FLOW.format(body=body))

    done = folder.run()

    assert done.returncode == 1
    assert "`run --debug STEP`" in words(done) and "`spin STEP`" in words(done)


# SPEC 7.6-5
def test_a_debugger_that_the_user_has_chosen_is_respected(folder, monkeypatch):
    monkeypatch.setenv("PYTHONBREAKPOINT", "0")
    folder.file(FLOW.format(body=STOP))

    done = folder.run()

    assert done.returncode == 0, words(done)


# SPEC 7.6-5
def test_spin_has_the_terminal(folder):
    folder.file(FLOW.format(body="pass"))
    assert folder.run().returncode == 0

    text, code = debugged(
        folder, "spin", "work[1]",
        typed=[(PROMPT, "p self.input, self.length\n"), ("('b', 1041)", "c\n"), ("name? ", "Ann\n")],
        body="breakpoint()\n        print('hello', input('name? '))",
    )  # fmt: skip

    assert code == 0, text
    assert "hello Ann" in text


# SPEC 7.6-5
def test_spin_interrupted_by_ctrl_c_says_130(folder):
    folder.file(FLOW.format(body="pass"))
    assert folder.run().returncode == 0

    text, code = debugged(
        folder, "spin", "work", body="print('sleeping')\n        time.sleep(60)", typed=[("sleeping", "\x03")]
    )

    assert code == 130, text


# SPEC 7.6-5
@pytest.mark.parametrize("isolation", ["fork", "spawn", "inline"])
def test_pdb_opens_the_debugger_where_a_task_has_failed(folder, isolation):
    folder.file(
        FLOW.format(body="wrong = self.input\n        if self.index: raise ValueError(wrong)")
        .replace('@environment(vars={"MARK": "set"})', "")
        .replace("@retry(times=2, minutes_between_retries=0)", "")
    )

    text, code = answered_on_terminal(
        folder.path, "flow.py", "run", "--pdb", "--isolation", isolation,
        typed=[(PROMPT, "p wrong, self.x, self.length\n"), ("('b', 41, 1041)", "q\n")],
    )  # fmt: skip

    assert code == 1, text
    assert "ValueError: b" in text and "run failed" in text
    assert folder.states() == ["failed"]


# SPEC 7.6-5
def test_pdb_comes_after_the_last_attempt(folder):
    text, code = debugged(
        folder, "run", "--pdb", typed=[(PROMPT, "q\n")], body="if self.index: raise ValueError(self.index)"
    )

    assert code == 1
    assert text.count(PROMPT) == 1


# SPEC 7.6-5
def test_spin_opens_the_debugger_too(folder):
    folder.file(FLOW.format(body="pass"))
    assert folder.run().returncode == 0

    text, code = debugged(
        folder, "spin", "work", "--pdb",
        typed=[(PROMPT, "p self.x + 1, self.input\n"), ("(42, 'b')", "q\n")], body="1 / 0",
    )  # fmt: skip

    assert code == 1, text


# SPEC 7.6-5
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--debug", "wrok"], "`wrok` is not a step of Debugged. Did you mean `work`?"),
        (["--debug", "work[x]"], "must be STEP, or STEP[3]"),
        (["--debug", "work", "--json"], "--debug needs the terminal: omit --json"),
        (["--debug", "work", "--detach"], "--debug needs the terminal: omit --detach"),
        (["--pdb"], "--pdb needs a terminal"),
    ],
)
def test_what_cannot_be_debugged_is_refused_before_anything_runs(folder, options, said):
    folder.file(FLOW.format(body=STOP))

    done = folder.run(*options)

    assert done.returncode == 2
    assert said in words(done)
    assert not folder.root.exists()


# SPEC 7.6-5
# SPEC 8.1-2
def test_a_breakpoint_of_a_step_in_the_run_process_has_the_terminal_from_there_on(folder):
    folder.flow(
        "print('before it')", "breakpoint()", "print('after it')", "time.sleep(0.6)", "print('later')"
    )

    text, code = answered_on_terminal(
        folder.path, "flow.py", "run", "--isolation", "inline",
        typed=[(PROMPT, "p 20 + 22\n"), ("42", "c\n")],
    )  # fmt: skip

    assert code == 0, text
    shown = text.partition("run succeeded")[0]
    places = [shown.index("before it"), shown.index(PROMPT), shown.rindex("after it"), shown.index("later")]
    assert places == sorted(places) and shown.count("later") == 1
    assert folder.call("flow.py", "logs", "1/start").stdout == "before it\nafter it\nlater\n"
