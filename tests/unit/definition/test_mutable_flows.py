"""What mutators of users may change, and what they must not."""

from __future__ import annotations

import pytest
from mutated_flows import by_flow, by_step, flow_with, mutator, names, noting, tell

from stepwell import (
    Parameter,
    StepMutator,
    UserStepDecorator,
    exit_hook,
    retry,
    timeout,
)
from stepwell.definition.flow_definition import define
from stepwell.definition.parameter_values import resolve
from stepwell.exceptions import (
    FlowError,
)

SEEN: list[object] = []


@pytest.fixture(autouse=True)
def nothing_seen():
    SEEN.clear()


# SPEC 4.3-2
def test_parameters_are_added_replaced_and_removed():
    def change(flow):
        flow.add_parameter("beta", Parameter("beta", default=2))
        flow.add_parameter("alpha", Parameter("alpha-name", default=7), overwrite=True)
        assert not flow.remove_parameter("alpha")

    flow = flow_with(mutator(change))
    definition = define(flow)
    assert [one.name for one in definition.parameters] == ["alpha-name", "beta"]
    assert resolve(flow, {"beta": "3"}) == {"alpha": 7, "beta": 3}

    removed = by_flow(lambda flow: SEEN.append(flow.remove_parameter("alpha-name")))
    assert removed.parameters == ()
    assert SEEN == [True]


# SPEC 4.3-2
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda flow: flow.add_parameter("alpha", Parameter("other")), "`overwrite=True` it is replaced"),
        (lambda flow: flow.add_parameter("start", Parameter("start")), "something else of that name"),
        (lambda flow: flow.add_parameter("beta", 7), "takes a Parameter or an IncludeFile, not 7"),
        (lambda flow: 1 / 0, "its `pre_mutate` failed: ZeroDivisionError"),
        (lambda flow: flow.add_decorator("retry"), "no flow decorator `retry`"),
        (lambda flow: flow.add_decorator(retry), "retry is no decorator of flows"),
        (
            lambda flow: flow.start.add_decorator(exit_hook, deco_kwargs={"on_error": [tell]}),
            "exit_hook is no decorator of steps",
        ),
        (lambda flow: flow.start.add_decorator(retry, deco_kwargs={"times": "x"}), "on step `start`"),
        (lambda flow: flow.add_decorator(7), "7 is no decorator of flows"),
        (lambda flow: flow.add_decorator(noting), "noting is no decorator of flows"),
        (lambda flow: flow.start.add_decorator(mutator()), "Given is no decorator of steps"),
        (lambda flow: flow.start.add_decorator("nothing"), "no step decorator `nothing`"),
        (lambda flow: flow.start.add_decorator("timeout:"), "states no time"),
        (lambda flow: flow.start.add_decorator(timeout, [5]), "by name only: use `deco_kwargs`"),
        (
            lambda flow: flow.start.add_decorator("timeout:seconds=1", deco_kwargs={"hours": 1}),
            "has arguments already",
        ),
        (lambda flow: flow.start.add_decorator("timeout:hours=1", duplicates=9), "`duplicates` is IGNORE"),
    ],
)
def test_what_cannot_be_changed_is_told_with_the_users_line(change, said):
    with pytest.raises(FlowError) as caught:
        by_flow(change)

    assert said in caught.value.message
    assert caught.value.source_file == __file__


# SPEC 4.3-2, 4.3-3
@pytest.mark.parametrize(
    "add",
    [
        lambda one: one.add_decorator("timeout:seconds=5"),
        lambda one: one.add_decorator("timeout", deco_kwargs={"seconds": "5"}),
        lambda one: one.add_decorator(timeout, deco_kwargs={"seconds": 5}),
        lambda one: one.add_decorator(type(timeout_kind()), deco_kwargs={"seconds": 5}),
    ],
)
@pytest.mark.parametrize("early", [True, False])
def test_a_decorator_is_added_by_text_by_name_and_as_an_object(add, early):
    def change(one):
        SEEN.append(add(one))

    definition = by_step(change, None) if early else by_step(None, change)

    assert definition.policies["start"].timeout_s == 5
    assert [definition.decorators["start"][0]] == SEEN


def timeout_kind():
    return define(flow_with(on_step=timeout(seconds=1))).decorators["start"][0]


# SPEC 4.3-3
def test_own_decorators_are_added_with_their_arguments():
    class Listing(UserStepDecorator):
        def init(self, *args, **named):
            self.given = (args, named)

    def change(one):
        one.add_decorator(Listing, ["a"], {"b": 2})
        one.add_decorator(noting)
        one.add_decorator(f"{__name__}.noting", duplicates=one.OVERRIDE)
        assert one.add_decorator(noting) is None

    [inserted, outer] = sorted(by_step(None, change).layers["start"], key=lambda one: type(one).__name__)
    assert inserted.given == (("a",), {"b": 2})
    assert type(outer).__name__ == "noting"


# SPEC 4.3-3
def test_decorators_are_removed_all_of_a_name_or_those_with_these_arguments():
    def change(one):
        SEEN.append(one.remove_decorator("retry", deco_kwargs={"times": 3}))
        SEEN.append(one.remove_decorator("timeout"))
        SEEN.append(one.remove_decorator("retry", deco_kwargs={"times": 4}))
        one.add_decorator("retry:times=1")
        SEEN.append(one.remove_decorator("stepwell.decorators.retry.Retry"))
        one.add_decorator(noting)
        SEEN.append(one.remove_decorator("noting"))

    assert names(by_step(None, change)) == ["Given"]
    assert SEEN == [False, False, True, True, True]


# SPEC 4.3-4
@pytest.mark.parametrize(
    "change",
    [
        lambda flow: flow.add_parameter("beta", Parameter("beta")),
        lambda flow: flow.remove_parameter("alpha-name"),
        lambda flow: flow.add_decorator(exit_hook, deco_kwargs={"on_error": [tell]}),
        lambda flow: flow.add_decorator(mutator()),
        lambda flow: flow.remove_decorator("exit_hook"),
        lambda flow: flow.start.add_decorator(mutator(base=StepMutator)),
        lambda flow: flow.start.remove_decorator("Patient"),
    ],
)
def test_what_belongs_into_pre_mutate_is_an_error_later(change):
    class Patient(StepMutator):
        pass

    with pytest.raises(FlowError, match=r"too late\. Do it in `pre_mutate`"):
        define(flow_with(mutator(None, change), Patient))
    if "beta" not in str(change.__code__.co_consts):
        define(flow_with(mutator(change), Patient))
