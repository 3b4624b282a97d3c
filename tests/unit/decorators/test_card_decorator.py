"""What `@card` may say."""

import pytest

from stepwell.decorators.card import card
from stepwell.definition.flow_definition import define
from stepwell.definition.flowspec import FlowSpec
from stepwell.definition.step import step
from stepwell.exceptions import InvalidDecoratorAttribute
from stepwell.model.policy import CardPolicy


# SPEC 13.1-1
def test_cards_of_a_step_stand_in_its_policy_in_order():
    class Flow(FlowSpec):
        @card
        @card(
            id="report",
            type="blank",
            options={"title": "A"},
            customize=True,
            refresh_interval="2",
            timeout=10,
            scope="task",
            rank=1,
            save_errors=False,
        )
        @step
        def start(self):
            pass  # fmt: skip

    assert define(Flow).policies["start"].cards == (
        CardPolicy(),
        CardPolicy(type="blank", id="report", options={"title": "A"}, customize=True, refresh_interval_s=2),
    )


# SPEC 13.1-1
@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"type": "blnk"}, "`type` must be a type of card.*`taskspec_card`.*Did you mean `blank`"),
        ({"type": 3}, "`type` must be"),
        ({"id": "a-b"}, "letters, digits and _"),
        ({"id": ""}, "letters, digits and _"),
        ({"options": [1]}, "`options` must be a dictionary"),
        ({"options": {"a": object()}}, "`options` must be what JSON can hold"),
        ({"scope": "run"}, "`scope` must be 'task'"),
        ({"timeout": "long"}, "`timeout` must be a number"),
        ({"refresh_interval": -1}, "`refresh_interval` must be a number"),
        ({"save_errors": "no"}, "`save_errors` must be True or False"),
        ({"kind": "default"}, "no attribute `kind`"),
    ],
)
def test_what_a_card_cannot_be_is_refused(attributes, said):
    with pytest.raises(InvalidDecoratorAttribute, match=said):
        card(**attributes)(Plain.start)


class Plain(FlowSpec):
    @step
    def start(self):
        pass


# SPEC 13.1-1
def test_two_cards_of_a_step_cannot_have_one_id():
    class Flow(FlowSpec):
        @card(id="a")
        @card(id="a")
        @step
        def start(self):
            pass

    with pytest.raises(InvalidDecoratorAttribute, match="two cards of one step have the id 'a'"):
        define(Flow)


# SPEC 6.2-8
def test_a_card_can_be_attached_by_name():
    policies = define(Plain, ("card:type=blank,id=quick",)).policies

    assert policies["start"].cards == (CardPolicy(type="blank", id="quick"),)
