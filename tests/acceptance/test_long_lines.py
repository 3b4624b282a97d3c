"""Lines that are kept in several records, as commands and the client show them."""

from command_line import words

from stepwell.client.objects import Run
from stepwell.client.scope import Connection, Scope


# SPEC 9.3-10
# SPEC 10.3-1
def test_a_long_line_is_one_line_with_one_time(folder):
    folder.flow("print('x' * 200_000)", "print('short', file=sys.stderr)", "sys.stdout.write('no end')")
    assert folder.run().returncode == 0

    timed = folder.call("flow.py", "logs", "latest/start", "--stdout", "--timestamps")
    plain = folder.call("flow.py", "logs", "latest/start")
    task = Run("Small/1", Scope(Connection(f"local@{folder.root}")))["start"].task

    assert timed.returncode == 0, words(timed)
    assert [line.partition(" ")[2] for line in timed.stdout.splitlines()] == ["x" * 200_000, "no end"]
    assert sorted(plain.stdout.splitlines()) == ["no end", "short", "x" * 200_000]
    assert [text for _, text in task.loglines("stdout")] == ["x" * 200_000, "no end"]


# SPEC 8.1-4
def test_that_a_long_line_was_cut_is_said_on_a_line_of_its_own(folder):
    folder.flow("print('x' * 3_000_000)")
    assert folder.run("--max-log-size", "1").returncode == 0

    printed = folder.call("flow.py", "logs", "latest/start").stdout.splitlines()

    assert [line[:5] for line in printed] == ["xxxxx", "[... ", "xxxxx"]
