"""Exceptions as text."""

import pytest

from stepwell.exceptions import ForeachError, StepwellException
from stepwell.runtime.task.async_step import run_to_completion
from stepwell.runtime.task.failure import describe


def caught(raise_it):
    with pytest.raises(BaseException) as found:
        raise_it()
    return found.value


class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no words")


class Own(StepwellException):
    def __init__(self):
        """Does not call ours."""


def test_an_exception_that_cannot_say_anything_is_described_all_the_same():
    def mute():
        raise Mute

    info = describe(caught(mute))
    assert info.type.endswith(".Mute")
    assert "cannot be made: RuntimeError" in info.message
    assert "raise Mute" in info.frames


def test_what_drives_an_async_step_is_left_out_below_frames_of_the_users_too():
    async def fails():
        raise ValueError

    def decorator():
        run_to_completion(fails(), "work")

    info = describe(caught(decorator))
    assert "in decorator" in info.frames and "in fails" in info.frames
    assert "base_events.py" in info.full_frames and "base_events.py" not in info.frames


def test_an_error_of_ours_names_the_users_line_unless_it_names_one():
    def plain():
        raise ForeachError("no items")

    def placed():
        raise ForeachError("no items", 12, "other.py")

    assert describe(caught(plain)).message == f"{__file__}:{plain.__code__.co_firstlineno + 1}: no items"
    assert describe(caught(placed)).message == "other.py:12: no items"


def test_a_subclass_of_the_users_that_skips_our_constructor_is_described():
    def own():
        raise Own

    assert describe(caught(own)).type.endswith(".Own")


def test_a_group_shows_all_of_its_exceptions():
    def group():
        raise ExceptionGroup("two", [ValueError("one"), KeyError("other")])

    frames = describe(caught(group)).frames
    assert "ValueError: one" in frames and "KeyError: 'other'" in frames


@pytest.mark.parametrize(("error", "hint"), [(SystemExit(0), "sys.exit"), (MemoryError(), "in parts")])
def test_frequent_mistakes_bring_a_hint(error, hint):
    assert hint in describe(error).hint
