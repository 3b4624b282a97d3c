"""Code and parameters that have changed since results were made: kept with a warning, or made again."""

import os

import pytest
from changed_flow import CHANGE, CHANGED, FLOW, HELPERS, failed, plan_of
from command_line import words
from stored_runs import begun, events_of, states_of, stored_run

BEFORE = "a step before it is executed, or its transition has changed"


def goes_on(folder, command, *options, **env):
    return folder.call("flow.py", command, *options, env={**os.environ, **env})


def executed(done):
    return [step for step, *_ in begun(events_of(done))]


# SPEC 7.4-7
# SPEC 7.3-3
@pytest.mark.parametrize("command", ["resume", "continue"])
def test_results_of_changed_code_are_kept_with_a_warning_that_names_step_and_function(folder, command):
    failed(folder)
    folder.file(CHANGED, "helpers.py")

    done = goes_on(folder, command)

    assert done.returncode == 0, words(done)
    (line,) = [line for line in words(done).splitlines() if "changed" in line]
    assert "middle" in line and "function scaled in helpers.py" in line and "--rerun-changed" in line
    assert "right" not in line and "start" not in line
    assert stored_run(folder, "2" if command == "resume" else "1")["right"].task["made"].data == [2, 4]


# SPEC 7.4-7
# SPEC 7.3-3
@pytest.mark.parametrize("command", ["resume", "continue"])
def test_asked_to_it_makes_again_what_was_made_with_other_code_and_what_depends_on_it(folder, command):
    failed(folder)
    folder.file(CHANGED, "helpers.py")

    done = goes_on(folder, command, "--rerun-changed", "--json")

    assert done.returncode == 0, words(done)
    assert executed(done) == ["middle", "middle", "join", "right", "end"]
    assert "code changed" not in done.stderr
    run = stored_run(folder, "2" if command == "resume" else "1")
    assert run.successful and run["right"].task["made"].data == [3, 6]


# SPEC 7.4-5
# SPEC 7.3-3
@pytest.mark.parametrize("command", ["resume", "continue"])
def test_the_plan_says_that_code_has_changed(folder, command):
    failed(folder)
    folder.file(CHANGED, "helpers.py")

    kept, again = plan_of(folder, command), plan_of(folder, command, "--rerun-changed")
    said = folder.call("flow.py", command, "--dry-run", "--rerun-changed").stdout

    assert kept["middle"] == (2, 0, "") and kept["right"] == (1, 0, "")
    assert again["start"] == (1, 0, "")
    assert again["middle"] == (0, 2, CHANGE)
    assert again["join"] == again["right"] == (0, 1, BEFORE)
    assert f"2 executed again ({CHANGE})" in said
    assert folder.states() == ["failed"]


# SPEC 7.4-7
def test_comments_formatting_docstrings_and_code_that_is_not_reached_are_no_change(folder):
    failed(folder)
    text = '"""Says something."""\n# why\ndef unused(x):\n    return x + 1\n\n'
    text += 'def scaled(x):\n    """Say what it does."""\n    return (\n        x\n        * 2)  # so\n'
    folder.file(text, "helpers.py")
    folder.file(FLOW.replace("    @step\n    def middle", "\n    # here\n    @step\n    def middle"))

    done = goes_on(folder, "resume", "--rerun-changed", "--json")

    assert done.returncode == 0, words(done)
    assert executed(done) == ["end"] and "changed" not in done.stderr


# SPEC 7.4-7
def test_a_step_that_is_changed_itself_is_named(folder):
    failed(folder)
    folder.file(FLOW.replace("self.made = [", "self.more = 1; self.made = ["))

    assert plan_of(folder, "resume", "--rerun-changed")["join"] == (
        0,
        1,
        "code changed: step join in flow.py",
    )


# SPEC 7.4-8
def test_steps_that_read_an_overridden_parameter_through_a_method_are_named_or_made_again(folder):
    failed(folder)

    kept = goes_on(folder, "resume", "--alpha", "5", FAIL="1")
    again = goes_on(folder, "resume", "--alpha", "5", "--rerun-changed", "--json", "--origin-run-id", "1")

    assert kept.returncode == 1
    (line,) = [line for line in words(kept).splitlines() if "alpha" in line]
    assert "right" in line and "middle" not in line and "1 -> 5" in line and "--rerun-changed" in line
    assert stored_run(folder, "2")["right"].task["read"].data == 11
    assert executed(again) == ["right", "end"]
    assert stored_run(folder, "3")["end"].task["read"].data == 15
    plan = plan_of(folder, "resume", "--alpha", "5", "--rerun-changed", "--origin-run-id", "1")
    assert plan["right"] == (0, 1, "parameter changed: alpha (1 -> 5)")


# SPEC 7.4-8
def test_a_result_is_held_against_the_parameters_of_the_run_that_made_it(folder):
    failed(folder)
    assert goes_on(folder, "resume", "--alpha", "5", FAIL="1").returncode == 1

    # Run 2 has the new value, and a result that run 1 made with the old one.
    assert "parameter changed: alpha" in plan_of(folder, "resume", "--rerun-changed")["right"][2]
    done = goes_on(folder, "continue", "--rerun-changed", "--json")

    assert executed(done) == ["right", "end"]
    assert stored_run(folder, "2")["end"].task["read"].data == 15


# SPEC 7.4-7
# SPEC 1.2-5
def test_a_constant_of_the_flow_counts_where_it_is_read_and_where_it_can_change(folder):
    failed(folder)
    folder.file(FLOW.replace("OFFSET = 10", "OFFSET = 20"))

    resumed = plan_of(folder, "resume", "--rerun-changed")
    continued = plan_of(folder, "continue", "--rerun-changed")

    assert resumed["right"] == (0, 1, "code changed: class constant OFFSET in flow.py")
    assert resumed["middle"] == (2, 0, "")
    # A run that goes on in place keeps the constants that it began with.
    assert continued["right"] == (1, 0, "")


# SPEC 7.3-3
# SPEC 1.2-5
def test_a_constant_that_was_edited_and_stays_as_it_was_is_named(folder):
    failed(folder)
    folder.file(FLOW.replace("OFFSET = 10", "OFFSET = 20").replace("print(self.read)", "print(self.OFFSET)"))

    planned = goes_on(folder, "continue", "--dry-run")
    done = goes_on(folder, "continue")

    for told in (planned, done):
        (line,) = [line for line in words(told).splitlines() if "OFFSET" in line]
        assert (
            "Run 1 keeps class constant OFFSET in flow.py as it began with it" in line and "`resume`" in line
        )
    assert stored_run(folder)["end"].task["OFFSET"].data == 10


# SPEC 7.3-3
def test_each_result_is_held_against_the_code_that_made_it_however_often_a_run_goes_on(folder):
    failed(folder)
    folder.file(CHANGED, "helpers.py")
    assert goes_on(folder, "continue", "--rerun-changed", FAIL="1").returncode == 1

    same = plan_of(folder, "continue", "--rerun-changed")
    resumed = plan_of(folder, "resume")
    folder.file(HELPERS, "helpers.py")
    back = plan_of(folder, "continue", "--rerun-changed")

    done = "not successful: 1 of 1 tasks"
    expected = {"start": (1, 0, ""), "middle": (2, 0, ""), "join": (1, 0, ""), "right": (1, 0, "")}
    assert same == {**expected, "end": (0, 1, done)} == resumed
    assert back["middle"] == (0, 2, CHANGE)


# SPEC 7.4-7
# SPEC 7.5-2
def test_what_made_a_result_is_known_after_the_index_was_made_anew(folder):
    failed(folder)
    folder.file(CHANGED, "helpers.py")
    (folder.root / "metadata.db").unlink()
    assert folder.call("-m", "stepwell", "reindex").returncode == 0

    assert plan_of(folder, "resume", "--rerun-changed")["middle"] == (0, 2, CHANGE)


# SPEC 7.4-7
def test_a_single_step_is_not_executed_on_results_that_would_be_made_again(folder):
    failed(folder)
    folder.file(CHANGED, "helpers.py")

    done = goes_on(folder, "resume", "--only", "end", "--rerun-changed")

    assert done.returncode == 2
    assert CHANGE in done.stderr and "--until end" in done.stderr


# SPEC 7.5-2
def test_a_flow_that_another_command_runs_has_the_same_code(folder):
    failed(folder)

    done = folder.call("-m", "stepwell", "resume", "flow.py", "--rerun-changed", "--json")

    assert executed(done) == ["end"], words(done)


# SPEC 12.4-4
# SPEC 7.3-3
def test_an_index_made_anew_knows_which_results_were_made_again(folder):
    failed(folder)
    folder.file(CHANGED, "helpers.py")
    assert goes_on(folder, "continue", "--rerun-changed").returncode == 0
    states = states_of(stored_run(folder))
    assert states["middle"] == ["lost", "lost", "succeeded", "succeeded"]
    assert states["right"] == ["lost", "succeeded"]

    (folder.root / "metadata.db").unlink()
    assert folder.call("-m", "stepwell", "reindex").returncode == 0

    assert states_of(stored_run(folder)) == states
    assert folder.call("-m", "stepwell", "reindex").returncode == 0
    assert states_of(stored_run(folder)) == states
