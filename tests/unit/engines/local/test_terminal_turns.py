"""The terminal is had by one task at a time, and each turn is announced before it begins."""

from stepwell.engine.handle import TaskHandle
from stepwell.engines.local.local_task import LocalTask
from stepwell.engines.local.terminal_turns import TerminalTurns
from stepwell.model.ids import TaskKey
from stepwell.model.policy import StepPolicy
from stepwell.model.task import TaskRequest


def task(number):
    key = TaskKey("F", "1", "work", str(number))
    return LocalTask(number, TaskHandle(key, 0), TaskRequest(key=key), StepPolicy())


# SPEC 7.6-5
def test_a_turn_is_announced_then_begun_and_the_next_waits_for_its_end():
    turns, first, second = TerminalTurns(), task(1), task(2)
    turns.ask(first)
    turns.ask(second)

    assert turns.begin() is None
    assert [report.handle for report in turns.announce()] == [first.handle]
    assert (turns.begin(), turns.begin()) == (first, None)
    assert turns.announce() == []
    turns.end(first)
    assert [report.handle for report in turns.announce()] == [second.handle]


# SPEC 7.6-5
def test_who_has_ended_gets_no_turn():
    turns, first, second = TerminalTurns(), task(1), task(2)
    turns.ask(first)
    turns.ask(second)
    turns.announce()

    turns.end(second)
    turns.end(first)

    assert turns.begin() is None
    assert turns.announce() == []
