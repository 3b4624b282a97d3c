import io
import json

import pytest

from stepwell.cli.console import Console
from stepwell.cli.json_lines import JsonLines
from stepwell.cli.progress_lines import ProgressLines
from stepwell.cli.terminal_text import as_printed, visible
from stepwell.cli.views import ViewOptions
from stepwell.model.ids import TaskKey
from stepwell.model.states import TaskState
from stepwell.model.task import ErrorInfo
from stepwell.runtime.events import Notice, TaskBegan, TaskEnded, TaskLine

KEY = TaskKey("F", "7", "a", "1")
CLEAR, TITLE, RED = "\x1b[2J", "\x1b]0;owned\x07", "\x1b[31m"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def line(text):
    return TaskLine(at=1.0, key=KEY, attempt=0, pid=1, stream="stdout", text=text)


# SPEC 18.2-3
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[red]plain[/red] ü 漢 👩‍🔬\t.", "[red]plain[/red] ü 漢 👩‍🔬\t."),
        (RED, "\\x1b[31m"),
        ("a\nb\rc\x00", "a\\nb\\rc\\x00"),
        ("\x7f\x9b5n", "\\u007f\\u009b5n"),
        ("abc\u202egnp.exe", "abc\\u202egnp.exe"),
        ("\udc9b5n \udce9", "\\udc9b5n \udce9"),
    ],
)
def test_what_a_terminal_would_obey_is_written_as_an_escape(text, shown):
    assert visible(text) == shown


# SPEC 18.2-3
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain [red]text[/red]", "plain [red]text[/red]"),
        (f"{RED}red\x1b[0m", f"{RED}red\x1b[0m"),
        (f"{RED}red", f"{RED}red\x1b[0m"),
        (f"{CLEAR}a{TITLE}b\x1bcc\x1b#8d", "abcd"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPq#0\x1b\\a\x9b2Jb\x9d0;t\x9cc", "abc"),
        ("a\x07\x08\x0eb\x1b", "ab"),
        ("10 %\r100 %\r\n", "100 %\n"),
        ("\x1b[1;31mbold\x1b[2Kred\nnext", "\x1b[1;31mboldred\x1b[0m\nnext"),
        ("cut \x1b[3", "cut "),
        ("cut \x1b]0;never ended", "cut "),
    ],
)
def test_what_a_program_prints_keeps_its_colours_and_nothing_else_that_steers(text, shown):
    assert as_printed(text) == shown


# SPEC 18.2-3
def test_lines_of_json_mean_the_same_when_their_controls_are_escapes():
    out = io.StringIO()
    view = JsonLines(Console(out, io.StringIO()), ViewOptions())
    view.listen(line(f"{CLEAR}\x7f\x9b5n\u202e"))

    assert json.loads(out.getvalue())["text"] == f"{CLEAR}\x7f\x9b5n\u202e"
    assert [c for c in out.getvalue() if not c.isprintable()] == ["\n"]


# SPEC 18.2-3
def test_messages_and_items_cannot_steer_the_terminal_nor_begin_a_line_of_their_own():
    out = io.StringIO()
    view = ProgressLines(Console(out, io.StringIO()), ViewOptions())
    error = ErrorInfo(type="ValueError", message=f"{TITLE}bad\n{CLEAR}run succeeded")
    view.listen(TaskBegan(at=1.0, key=KEY, attempt=0, pid=1, index_path=(0,), label=f"{CLEAR}\nx"))
    view.listen(TaskEnded(at=1.0, key=KEY, attempt=0, pid=1, state=TaskState.FAILED, seconds=1, error=error))
    view.listen(Notice(at=1.0, text=f"no {TITLE}"))

    *lines, rest = out.getvalue().split("\n")
    assert rest == "" and all("(pid " in line for line in lines)
    assert [c for c in "".join(lines) if not c.isprintable()] == []
    assert "\\x1b]0;owned\\x07bad" in lines[2]


# SPEC 18.2-3
def test_what_a_task_prints_goes_to_a_pipe_as_it_is_and_to_a_terminal_without_commands():
    printed = f"{RED}a{CLEAR}"
    shown = {}
    for kind in (io.StringIO, Terminal):
        out = kind()
        ProgressLines(Console(out, io.StringIO()), ViewOptions()).listen(line(printed))
        shown[kind] = out.getvalue().partition("] ")[2]

    assert shown == {io.StringIO: f"{printed}\n", Terminal: f"{RED}a\x1b[0m\n"}


# SPEC 18.2-3
def test_bytes_of_a_log_that_are_cut_anywhere_cannot_join_to_a_command():
    out = Terminal()
    console = Console(out, io.StringIO())
    for piece in (b"a\xc2", b"\x9b5n \xe2\x82", b"\xac\n", b"\x9b2J\xff\n"):
        console.printed(piece)

    assert out.getvalue() == "a €\n\\x9b2J\\xff\n"


# SPEC 18.2-3
def test_talk_has_lines_and_data_has_one_each():
    out, err = io.StringIO(), io.StringIO()
    console = Console(out, err)
    console.data("a\nb", f"c{RED}")
    console.talk(f"a\nb{RED}")

    assert out.getvalue() == "a\\nb\nc\\x1b[31m\n"
    assert err.getvalue() == "a\nb\\x1b[31m\n"
