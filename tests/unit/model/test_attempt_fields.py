import signal

import pytest

from stepwell.model.attempt_fields import exit_code_in, exit_fields, place_fields, usage_fields
from stepwell.model.policy import Resources


# SPEC 12.3-2
@pytest.mark.parametrize("code", [None, 0, 1, 255, -signal.SIGKILL, -signal.SIGTERM, -63])
def test_how_a_process_ended_is_read_as_it_was_written(code):
    assert exit_code_in(exit_fields(code)) == code


# SPEC 12.3-2
def test_signals_are_named():
    assert exit_fields(-9) == {"signal": "SIGKILL"}
    assert exit_fields(3) == {"exit-code": "3"}


# SPEC 12.3-2
def test_what_is_not_known_is_left_out():
    assert place_fields("host", 7, "", Resources()) == {"host": "host", "pid": "7"}
    assert usage_fields(0.0, 0) == {}


# SPEC 12.3-2
def test_what_was_asked_for_and_used_is_written():
    fields = {**place_fields("host", 7, "abc", Resources(cpu=2.0)), **usage_fields(1.23456789, 2048)}

    assert fields == {
        "host": "host", "pid": "7", "code-version": "abc", "resources": '{"cpu":2.0}', "cpu-s": "1.23457",
        "peak-rss-kib": "2048",
    }  # fmt: skip
