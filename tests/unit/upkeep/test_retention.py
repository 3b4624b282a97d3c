from hypothesis import given
from hypothesis import strategies as st

from stepwell.model.run import RunRecord
from stepwell.model.states import RunState
from stepwell.upkeep.retention import (
    DAY_S,
    DropRule,
    Retention,
    Rules,
    dropped_of,
    ended_at,
    is_production,
    verdicts,
)

NOW = 1000 * DAY_S


def a_run(number=1, days=100.0, state=RunState.SUCCEEDED, tags=(), system_tags=()):
    ended = NOW - days * DAY_S
    return RunRecord(
        flow="F",
        run=str(number),
        state=state,
        user="ann",
        created_at=ended - 1,
        finished_at=ended,
        tags=tags,
        system_tags=system_tags,
    )


def kept(runs, now=NOW, **rules):
    retention = Retention(general=Rules(**rules))
    return [int(verdict.run.run) for verdict in verdicts(runs, retention, now) if verdict.keep]


OLD = [a_run(number) for number in (4, 3, 2, 1)]


# SPEC 12.5-2
def test_without_rules_every_run_is_kept():
    assert kept(OLD) == [4, 3, 2, 1]


# SPEC 12.5-2
def test_the_last_ones_of_each_branch_are_kept():
    branches = [("project_branch:user.ann",), ("project_branch:test.x",)]
    runs = [a_run(number, system_tags=branches[number % 2]) for number in (6, 5, 4, 3, 2, 1)]

    assert kept(OLD, keep_last=2) == [4, 3]
    assert kept(runs, keep_last=2) == [6, 5, 4, 3]
    assert kept(OLD, keep_last=0) == []


# SPEC 12.5-2
def test_runs_that_have_ended_within_so_many_days_are_kept():
    runs = [a_run(3, days=1), a_run(2, days=29.9), a_run(1, days=30.1)]

    assert kept(runs, keep_days=30) == [3, 2]


# SPEC 12.5-2
def test_successful_runs_are_kept_and_failed_ones_are_not():
    runs = [a_run(2, state=RunState.FAILED), a_run(1)]

    assert kept(runs, keep_successful=True) == [1]


# SPEC 12.5-2
def test_runs_with_a_tag_are_kept_whoever_has_given_it():
    runs = [a_run(2, system_tags=("runtime:local",)), a_run(1, system_tags=("user:ann",))]

    assert kept(runs, keep_tags=("user:ann",)) == [1]


# SPEC 12.5-2
def test_a_run_stays_if_any_rule_keeps_it():
    runs = [a_run(3, state=RunState.FAILED), a_run(2), a_run(1, state=RunState.FAILED, days=1)]

    assert kept(runs, keep_last=0, keep_successful=True, keep_days=7) == [2, 1]


# SPEC 12.5-2
def test_live_and_production_runs_and_those_with_user_tags_are_kept_whatever_the_rules_are():
    runs = [
        a_run(6, state=RunState.RUNNING),
        a_run(5, tags=("mine",)),
        a_run(4, system_tags=("project_branch:prod",)),
        a_run(3, system_tags=("project_branch:prod.eu",)),
        a_run(2, system_tags=("production:token",)),
        a_run(1, system_tags=("project_branch:product",)),
    ]

    assert kept(runs, keep_last=0) == [6, 5, 4, 3, 2]
    assert not is_production(runs[5])


# SPEC 12.5-2
def test_a_flow_has_rules_of_its_own_in_place_of_the_general_ones():
    retention = Retention(general=Rules(keep_last=0), flows={"F": Rules(keep_last=3)})

    assert [verdict.keep for verdict in verdicts(OLD, retention, NOW)] == [True, True, True, False]


# SPEC 12.5-2
def test_a_verdict_says_why():
    (first, *_, last) = verdicts(OLD, Retention(general=Rules(keep_last=1)), NOW)

    assert (first.why, last.why) == ("it is among the last 1", "no rule keeps it")


# SPEC 12.5-2
def test_artifacts_are_dropped_of_old_runs_that_nothing_protects():
    rule = DropRule("fit/model", 30 * DAY_S, "fit/model older than 30d")

    assert dropped_of(a_run(days=31), [rule], NOW) == (rule,)
    assert dropped_of(a_run(days=29), [rule], NOW) == ()
    assert dropped_of(a_run(days=31, tags=("mine",)), [rule], NOW) == ()
    assert dropped_of(a_run(days=31, state=RunState.RUNNING), [rule], NOW) == ()


# SPEC 12.5-2
def test_a_rule_names_artifacts_by_step_and_name_and_may_name_a_flow():
    assert DropRule("fit/model", 0, "").names("F", "fit", "model")
    assert not DropRule("fit/model", 0, "").names("F", "fit", "models")
    assert not DropRule("fit/model", 0, "").names("F", "refit", "model")
    assert DropRule("*/tmp_*", 0, "").names("F", "fit", "tmp_1")
    assert DropRule("F/fit/model", 0, "").names("F", "fit", "model")
    assert not DropRule("G/fit/model", 0, "").names("F", "fit", "model")


RUNS = st.lists(
    st.builds(
        a_run,
        days=st.floats(0, 200),
        state=st.sampled_from(RunState),
        tags=st.sampled_from([(), ("t",)]),
        system_tags=st.sampled_from([(), ("project_branch:prod",), ("project_branch:a",)]),
    ),
    max_size=12,
).map(lambda runs: [RunRecord(**{**_fields(run), "run": str(n)}) for n, run in enumerate(runs)])
RULES = st.builds(
    Rules,
    keep_last=st.none() | st.integers(0, 4),
    keep_days=st.none() | st.floats(0, 200),
    keep_successful=st.booleans(),
    keep_tags=st.sampled_from([(), ("t",), ("project_branch:a",)]),
)


def _fields(run):
    return {name: getattr(run, name) for name in run.__struct_fields__}


# SPEC 12.5-2
@given(RUNS, RULES)
def test_each_run_gets_one_verdict_and_a_deleted_one_breaks_every_rule(runs, rules):
    found = list(verdicts(runs, Retention(general=rules), NOW))

    assert [verdict.run for verdict in found] == runs
    for verdict in found:
        run = verdict.run
        if not verdict.keep:
            assert rules.are_given and run.state.finished and not run.tags and not is_production(run)
            assert not (rules.keep_successful and run.state is RunState.SUCCEEDED)
            assert rules.keep_days is None or NOW - ended_at(run) > rules.keep_days * DAY_S
            assert not set(rules.keep_tags) & {*run.tags, *run.system_tags}


# SPEC 12.5-2
@given(RUNS, RULES, st.floats(0, 100))
def test_what_is_deleted_once_is_never_kept_later(runs, rules, days):
    gone = {verdict.run.run for verdict in verdicts(runs, Retention(general=rules), NOW) if not verdict.keep}
    later = verdicts(runs, Retention(general=rules), NOW + days * DAY_S)

    assert gone <= {verdict.run.run for verdict in later if not verdict.keep}
