"""Why tasks were executed or reused, told long after. SPEC 7.5-5."""

import json
import os

import pytest
from changed_flow import CHANGED, FLOW, HELPERS, failed
from command_line import words


def why(folder, address, *options):
    done = folder.call("-m", "stepwell", "why", address, *options)
    assert done.returncode == 0, words(done)
    return done.stdout


def goes_on(folder, command, *options, **env):
    done = folder.call("flow.py", command, *options, env={**os.environ, **env})
    assert done.returncode == ("FAIL" in env), words(done)


DIFF = """\
    --- helpers.py:2 (run 1)
    +++ helpers.py:2 (run 2)
    @@ -1,2 +1,2 @@
     def scaled(x):
    -    return x * 2
    +    return x + x + x
"""


def test_a_step_that_was_executed_for_its_code_shows_the_change(folder):
    failed(folder)
    folder.file(CHANGED, "helpers.py")
    goes_on(folder, "resume", "--rerun-changed")

    said = why(folder, "2/middle")

    assert "Tasks " in said and "of F/2/middle were executed:" in said
    assert "code changed: function scaled in helpers.py, when run 1 was resumed" in said
    assert said.endswith(f"  function scaled in helpers.py:\n{DIFF}")
    assert "a step before it is executed" in why(folder, "2/join")
    assert "not successful: 1 of 1 tasks" in why(folder, "2/end")


def test_a_result_that_was_kept_although_its_code_had_changed_says_so_and_whose_it_is(folder):
    failed(folder)
    folder.file(CHANGED, "helpers.py")
    goes_on(folder, "resume", "--alpha", "5")

    said = why(folder, "2/middle/3")

    assert "Task F/2/middle/3 was reused:" in said
    assert "taken over from run 1, with all that it got its inputs from" in said
    assert "kept although code changed: function scaled in helpers.py" in said
    assert said.endswith(DIFF)
    assert "kept although parameter changed: alpha (1 -> 5)" in why(folder, "2/right")
    assert "although" not in why(folder, "2/start")


def test_the_change_that_is_shown_is_that_of_the_time_of_the_decision(folder):
    failed(folder)
    folder.file(CHANGED, "helpers.py")
    goes_on(folder, "resume")
    before = why(folder, "2/middle")
    folder.file(HELPERS.replace("x * 2", "x * 1000"), "helpers.py")
    (folder.path / "flow.py").unlink()

    assert why(folder, "F/2/middle") == before and "x + x + x" in before


def test_a_run_that_went_on_in_place_tells_what_was_kept_and_what_was_made_again(folder):
    failed(folder)
    folder.file(CHANGED, "helpers.py")
    goes_on(folder, "continue", FAIL="1")
    kept = why(folder, "1/middle")
    goes_on(folder, "continue", "--rerun-changed")
    again = json.loads(why(folder, "1/middle", "--json"))["decisions"]

    assert "the run took nothing over from an earlier one" in kept
    assert "kept although code changed: function scaled in helpers.py" in kept
    assert "-    return x * 2" in kept and "(before)" in kept and "(now)" in kept
    assert len(again) == 2
    new, old = sorted(again, key=lambda one: one["tasks"], reverse=True)
    assert new["reasons"][0].startswith("code changed: function scaled in helpers.py")
    assert any(reason.startswith("made again") for reason in old["reasons"])
    assert new["changes"][0]["part"] == "function scaled in helpers.py"


def test_named_steps_new_ones_and_first_runs_are_explained(folder):
    failed(folder)
    folder.file(
        FLOW.replace(
            "self.next(self.end)\n\n    def",
            "self.next(self.more)\n\n    @step\n    def more(self):\n        self.next(self.end)\n\n    def",
        )
    )
    goes_on(folder, "resume", "right")

    assert "the run took nothing over from an earlier one" in why(folder, "1/start")
    assert "the step was named, when run 1 was resumed" in why(folder, "2/right")
    assert "a step before it was named" in why(folder, "2/end")
    folder.file(FLOW)


def test_tasks_that_were_decided_alike_are_told_once(folder):
    failed(folder)
    goes_on(folder, "resume")

    said = json.loads(why(folder, "2/middle", "--json"))

    (decision,) = said["decisions"]
    assert (said["flow"], said["run"], said["step"]) == ("F", "2", "middle")
    assert decision["decision"] == "reused" and len(decision["tasks"]) == 2 and decision["changes"] == []


@pytest.mark.parametrize(
    ("address", "told"),
    [("1", "why needs a step"), ("1/none", "has no step"), ("9/start", "9"), ("1/start/99", "99")],
)
def test_an_address_that_leads_nowhere_is_told_in_words(folder, address, told):
    failed(folder)

    done = folder.call("-m", "stepwell", "why", address)

    assert done.returncode == 2 and told in words(done)
