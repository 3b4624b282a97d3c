"""Commands that are offered next can be typed as they stand."""

import re
import shlex

import pytest
from command_line import words


# SPEC 7.2-7, 8.2-6
@pytest.mark.parametrize("start", [["flow.py"], ["-m", "stepwell"]], ids=["flow", "stepwell"])
@pytest.mark.parametrize("place", [[], ["--datastore-root", "my results"]], ids=["here", "elsewhere"])
def test_what_is_offered_after_a_failure_works(folder, start, place):
    folder.flow("1 / 0")
    target = [] if start == ["flow.py"] else ["flow.py"]
    failed = folder.call(*start, *place, "run", *target)
    assert failed.returncode == 1

    offered = re.findall("`(.*?)`", words(failed).partition("Next: ")[2])

    assert len(offered) == 5
    for command in offered:
        args = shlex.split(command)
        done = folder.call(*(args[1:] if args[0] == "python" else ["-m", *args]))
        # What executes the step again fails again, for the flow is as it was.
        assert done.returncode == (1 if {"continue", "spin"} & set(args) else 0), words(done)


# SPEC 9.3-4
def test_what_is_offered_after_a_check_works_with_the_same_results(folder):
    folder.flow()
    checked = folder.call("flow.py", "--datastore-root", "elsewhere")

    assert "`python flow.py --datastore-root elsewhere run` runs the flow" in words(checked)
