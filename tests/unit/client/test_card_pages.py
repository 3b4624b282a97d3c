"""What a card says of its task, as Python reads it."""

import pytest
from stored_results import Results

from stepwell.cards import get_cards
from stepwell.client import Step, Task
from stepwell.exceptions import StepwellInvalidPathspec
from stepwell.model.card import CardHead
from stepwell.model.states import TaskState


# SPEC 13.1-9
@pytest.mark.parametrize("state", [TaskState.FAILED, TaskState.KILLED])
def test_a_card_tells_a_task_that_was_ended_from_outside_from_one_that_failed(state):
    place = Results()
    run = place.run()
    run.failed("start", 1, OSError("it was asked to end"))
    run.record("start", 1, state)
    place.stores.datastore.cards().begin(run.key("start", 1), 0, 0, CardHead(type="default"))

    page = get_cards(Task("F/1/start/1", at=place.scope))[0].get()

    assert f'<span class="state {state.value}">' in page and "it was asked to end" in page


# SPEC 13.2-1
def test_cards_are_those_of_one_task_or_of_the_only_task_of_a_step():
    place = Results()
    run = place.run()
    run.task("start", 1)
    run.task("many", 2)
    run.task("many", 3)
    for task in (run.key("start", 1), run.key("many", 2)):
        place.stores.datastore.cards().begin(task, 0, 0, CardHead(type="default"))

    assert len(get_cards(Step("F/1/start", at=place.scope))) == 1
    for other in (Step("F/1/many", at=place.scope), 5, None):
        with pytest.raises(StepwellInvalidPathspec, match="is not one task"):
            get_cards(other)
