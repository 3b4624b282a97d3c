from __future__ import annotations

from msgspec.structs import replace

from stepwell.definition.graph import Graph
from stepwell.model.task import TransitionTaken
from stepwell.scheduling.earlier import SINGLE, Earlier, PastTask, inputs_of, latest
from stepwell.scheduling.reuse import after, plan, reusable
from stepwell.testing.graphs import Choice, Each, Fork, Repeat, Then, graph_of

# s0 opens a foreach of s1, s2 joins it and opens a split of s3 and s4, s5 joins that, s6 is the exit.
GRAPH = graph_of((Each(()), Fork(((), ())), Then()))


def taken(graph: Graph, step: str, width: int = 0) -> TransitionTaken:
    node = graph[step]
    kind = "foreach" if node.is_foreach else "end" if node.is_end else "split" if node.is_split else "linear"
    return TransitionTaken(kind, node.targets, width)


def complete(width: int = 3) -> list[PastTask]:
    """A run that has succeeded."""
    children = [PastTask("s1", 2 + i, 1, i, taken(GRAPH, "s1")) for i in range(width)]
    join = 2 + width
    return [
        PastTask("s0", 1, 0, SINGLE, taken(GRAPH, "s0", width)),
        *children,
        PastTask("s2", join, 1, SINGLE, taken(GRAPH, "s2"), inputs=inputs_of(task.task for task in children)),
        PastTask("s3", join + 1, join, SINGLE, taken(GRAPH, "s3")),
        PastTask("s4", join + 2, join, SINGLE, taken(GRAPH, "s4")),
        PastTask("s5", join + 3, join, SINGLE, taken(GRAPH, "s5"), inputs=inputs_of((join + 1, join + 2))),
        PastTask("s6", join + 4, join + 3, SINGLE, taken(GRAPH, "s6")),
    ]


def planned(past: list[PastTask], named: tuple[str, ...] = (), known: set[str] | None = None):
    steps = plan(GRAPH, past, Earlier(reusable(GRAPH, past, named)), named, known or GRAPH.nodes.keys())
    return {step.step: (step.reused, step.executed, step.why) for step in steps}


# SPEC 7.4-1
def test_what_comes_after_a_step_is_every_step_that_it_leads_to():
    assert after(GRAPH, ["s2"]) == {"s3", "s4", "s5", "s6"}
    assert after(GRAPH, ["s3"]) == {"s5", "s6"}
    assert after(GRAPH, ["s6"]) == after(GRAPH, []) == set()


# SPEC 7.4-1
def test_tasks_of_a_named_step_and_of_later_ones_are_not_reusable():
    assert {task.step for task in reusable(GRAPH, complete(), ["s3"])} == {"s0", "s1", "s2", "s4"}


# SPEC 7.4-3
def test_tasks_of_a_step_that_is_gone_or_leads_elsewhere_are_not_reusable():
    gone = PastTask("gone", 20, 1, SINGLE, TransitionTaken("linear", ("s6",)))
    moved = PastTask("s1", 21, 1, 0, TransitionTaken("linear", ("s6",)))
    tried = PastTask("s1", 22, 1, 1, None, 1)

    assert reusable(GRAPH, [gone, moved, tried]) == [tried]


# SPEC 7.4-5
def test_the_plan_of_a_complete_run_reuses_all_of_it():
    assert planned(complete()) == {
        "s0": (1, 0, ""),
        "s1": (3, 0, ""),
        **{f"s{number}": (1, 0, "") for number in range(2, 7)},
    }


# SPEC 7.4-5
def test_the_plan_says_why_each_step_is_executed():
    past = complete()
    past[2] = PastTask("s1", 3, 1, 1, None, 1)
    unfinished = [task for task in past if task.step in ("s0", "s1")]

    assert planned(unfinished)["s1"] == (2, 1, "not successful: 1 of 3 tasks")
    assert planned(unfinished)["s2"] == (0, 0, "not reached")
    assert planned(past)["s2"] == (0, 1, "a step before it is executed, or its transition has changed")
    assert planned(complete(), ("s3",)) == planned(complete()) | {
        "s3": (0, 1, "named"),
        "s5": (0, 1, "after a named step"),
        "s6": (0, 1, "after a named step"),
    }
    assert planned(unfinished, known={"s0", "s1"})["s2"] == (0, 0, "new in the graph")


# SPEC 7.4-5
# SPEC 2.3-10
def test_failures_that_a_reused_join_did_without_are_not_executed_again():
    past = complete()
    past[0] = replace(past[0], transition=replace(taken(GRAPH, "s0", 3), min_success=2))
    past[2] = PastTask("s1", 3, 1, 1, None, 1)
    past[4] = replace(past[4], lost=((1, "s1", 3),), inputs=inputs_of((2, 4)))

    assert planned(past) == planned(complete()) | {"s1": (2, 0, "")}


# SPEC 7.4-5
def test_a_step_of_which_some_tasks_have_never_begun_is_not_reused_in_whole():
    begun = [task for task in complete() if task.step == "s0" or task.index == 0]

    assert planned(begun)["s1"] == (1, 0, "not reached by all")


# SPEC 7.4-6
def test_the_last_of_several_tasks_in_a_place_counts():
    first, second = PastTask("s3", 6, 5), PastTask("s3", 12, 5)

    assert Earlier([second, first]).single("s3", 5) is second
    assert Earlier([second, first]).last_id == 12


# SPEC 7.4-7
def test_what_has_changed_is_said_of_results_that_are_taken_over_and_is_why_others_are_not():
    past = [replace(task, made_by="1/a") for task in complete()]
    outdated = {("s1", "1/a"): ("code changed: function f in a.py",), ("s4", "2/b"): ("unseen",)}

    kept = plan(GRAPH, past, Earlier(reusable(GRAPH, past)), (), GRAPH.nodes.keys(), outdated)
    earlier = Earlier(reusable(GRAPH, past, (), outdated))
    again = plan(GRAPH, past, earlier, (), GRAPH.nodes.keys(), outdated)

    by_step = {step.step: step for step in kept}
    assert all(not step.why for step in kept)
    assert by_step["s1"].outdated == outdated["s1", "1/a"] and by_step["s1"].made_by == ("1/a",)
    assert by_step["s4"].outdated == ()
    assert {step.step: (step.reused, step.why) for step in again if step.step in ("s0", "s1", "s2")} == {
        "s0": (1, ""),
        "s1": (0, "code changed: function f in a.py"),
        "s2": (0, "a step before it is executed, or its transition has changed"),
    }


# SPEC 7.4-7
def test_only_results_of_the_execution_that_had_other_code_are_left_out():
    past = [replace(task, made_by="2/b" if task.index == 1 else "1/a") for task in complete()]
    outdated = {("s1", "1/a"): ("changed",)}

    earlier = Earlier(reusable(GRAPH, past, (), outdated))
    steps = {step.step: step for step in plan(GRAPH, past, earlier, (), GRAPH.nodes.keys(), outdated)}

    assert (steps["s1"].reused, steps["s1"].executed, steps["s1"].why) == (1, 2, "changed")
    assert steps["s1"].outdated == () and steps["s2"].reused == 0


# SPEC 7.3-3
def test_tasks_that_were_made_anew_and_what_followed_them_hold_no_more():
    first, follower, second = PastTask("s3", 6, 5), PastTask("s5", 7, 6), PastTask("s3", 12, 5)

    assert latest([second, follower, first]) == [second]
    assert latest(complete()) == complete()


# s0 leads to s1, s2 or straight to s3; s3 begins a loop with s4, of which s5 is the way out, and s6 the exit.
LOOPED = graph_of((Choice(((), (), None)), Repeat((Then(),)), Then(), Then()))


def linear(step: str, target: str, case: str = "") -> TransitionTaken:
    assert LOOPED[step].way_of(TransitionTaken("linear", (target,))) is not None
    return TransitionTaken("linear", (target,), case=case)


def chain(*steps: tuple[str, str]) -> list[PastTask]:
    """Tasks that follow each other, each with the step that it went on to; the last may have failed."""
    return [
        PastTask(step, number, number - 1, SINGLE, linear(step, target) if target else None)
        for number, (step, target) in enumerate(steps, start=1)
    ]


TURNS = [("s0", "s2"), ("s2", "s3"), ("s3", "s4"), ("s4", "s5"), ("s5", "s4"), ("s4", "s5"), ("s5", "s4")]


def planned_loop(past: list[PastTask], named: tuple[str, ...] = ()):
    earlier = Earlier(reusable(LOOPED, past, named))
    return {
        step.step: (step.reused, step.executed, step.why)
        for step in plan(LOOPED, past, earlier, named, LOOPED.nodes.keys())
    }


# SPEC 2.4-10
# SPEC 7.4-5
def test_finished_iterations_of_a_loop_are_kept_and_steps_that_no_case_led_to_are_skipped():
    plans = planned_loop(chain(*TURNS, ("s4", "")))

    assert plans["s1"] == (0, 0, "")
    assert plans["s4"] == (2, 1, "not successful: 1 of 3 tasks")
    assert plans["s5"] == (2, 0, "not reached by all")
    assert plans["s6"] == (0, 0, "not reached")


# SPEC 2.4-10
# SPEC 7.4-1
def test_of_a_loop_with_a_named_step_only_what_came_before_its_first_task_is_kept():
    plans = planned_loop(chain(*TURNS), ("s5",))

    assert plans["s3"] == (1, 0, "")
    assert plans["s4"] == (1, 1, "after a named step")
    assert plans["s5"] == (0, 2, "named")


# SPEC 2.4-10
def test_a_task_that_went_a_way_which_its_switch_no_longer_has_is_made_again():
    [first, *_] = chain(("s0", "s2"))
    gone = replace(first, transition=TransitionTaken("linear", ("s6",), case="case0"))
    renamed = replace(first, transition=linear("s0", "s2", "another label"))

    assert reusable(LOOPED, [gone, renamed]) == [renamed]
