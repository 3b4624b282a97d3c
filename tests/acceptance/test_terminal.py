"""What users, values and programs say is read on a terminal, never obeyed by it."""

import re

import pytest
from command_line import on_terminal

# Title, clearing, reset, a question to the terminal (in 7 and 8 bits), markup, and text the other way round.
HOSTILE = "\x1b]0;owned\x07\x1b[2J\x1bc\x1b[5n\x9b5n[red]seen[/red]\u202e"
COMMANDS = re.compile(r"\x1b\]|\x1b\[2J|\x1bc|\x1b\[5n|[\x07\x80-\x9f]")

FLOW = f"""
from stepwell import FlowSpec, Parameter, current, step

HOSTILE = {HOSTILE!r}

def fail(text):
    raise ValueError(text)

class Strange:
    def __repr__(self):
        return HOSTILE + "\\nsecond line"

class Hostile(FlowSpec):
    word = Parameter("word", default=HOSTILE[:20])

    @step
    def start(self):
        self.value = HOSTILE
        self.strange = Strange()
        self.items = [HOSTILE[:28]]
        current.log(said=HOSTILE)
        print(HOSTILE, "\\x1b[32mgreen\\x1b[0m")
        self.next(self.work, foreach="items")

    @step
    def work(self):
        fail(HOSTILE + "\\nin two lines")
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Hostile()
"""


@pytest.fixture
def hostile(folder):
    """A folder with the flow and one run of it."""
    folder.file(FLOW)
    assert folder.run("--tag", f"a\n{HOSTILE}").returncode == 1
    return folder


READING = [
    (["runs"], "\\n\\x1b]0;owned"),
    (["show", "latest"], "[red]seen[/red]"),
    (["show", "latest/start/1"], "[red]seen[/red]"),
    (["show", "latest/work"], "\\x1b]0;owned"),
    (["show", "latest/work[0]"], "[red]seen[/red]"),
    (["dump", "latest/start"], "[red]seen[/red]"),
    (["dump", "latest/start", "--full"], "second line"),
    (["show", f"latest/{HOSTILE}"], "[red]seen"),
    (["--datastore", HOSTILE, "check"], "[red]seen[/red]"),
    (["configure", "show"], "[red]seen[/red]"),
]


# SPEC 18.2-3
@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "pipe"])
def test_no_command_that_reads_passes_on_what_steers_a_terminal(hostile, terminal, monkeypatch):
    monkeypatch.setenv("STEPWELL_OWNER", HOSTILE)
    for args, word in READING:
        if terminal:
            text = on_terminal(hostile.path, "flow.py", *args).replace("\r\n", "\n")
        else:
            done = hostile.call("flow.py", *args)
            text = done.stdout + done.stderr

        assert word in text
        assert [c for c in text if not c.isprintable() and c not in "\n\t"] == [], args


# SPEC 18.2-3
@pytest.mark.parametrize("name", ["xterm", "dumb"])
def test_a_run_on_a_terminal_shows_what_is_hostile_and_keeps_colours(folder, name):
    folder.file(FLOW)

    text = on_terminal(folder.path, "flow.py", "run", "--tag", HOSTILE, terminal=name)

    assert COMMANDS.findall(text) == []
    assert "[red]seen[/red]" in text and "run failed" in text
    assert "\x1b[32mgreen" in text


# SPEC 8.2-3
@pytest.mark.parametrize(
    "terminal", [{"terminal": "dumb"}, {"NO_COLOR": "1"}, {"CI": "true"}, {"columns": 40}, {}], ids=str
)
def test_a_terminal_that_cannot_show_a_live_view_gets_plain_lines(folder, terminal):
    folder.flow("print('hello')")

    text = on_terminal(folder.path, "flow.py", "run", **terminal)

    is_plain = re.search(r"^\d{4}-\d\d-\d\d .* \[1/start/1 \(pid \d+\)\] hello\r$", text, re.MULTILINE)
    assert (is_plain is not None, "\x1b" in text) == ((True, False) if terminal else (False, True))


# SPEC 18.2-3
def test_logs_are_bytes_on_a_pipe_and_harmless_on_a_terminal(hostile):
    piped = hostile.call("flow.py", "logs", "latest/start").stdout
    shown = on_terminal(hostile.path, "flow.py", "logs", "latest/start")

    assert piped == f"{HOSTILE} \x1b[32mgreen\x1b[0m\n"
    assert COMMANDS.findall(shown) == []
    assert "[red]seen[/red]" in shown and "\x1b[32mgreen\x1b[0m" in shown
