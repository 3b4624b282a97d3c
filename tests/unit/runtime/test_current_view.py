"""``current`` outside and inside a task."""

import pytest

from stepwell.exceptions import StepwellInternalError
from stepwell.runtime.task import current as module
from stepwell.runtime.task.current import current


@pytest.fixture(autouse=True)
def _leave():
    yield
    module.leave()


# SPEC 11.3-2
def test_outside_a_task_the_plain_names_are_none_or_false():
    assert (current.is_running_flow, current.is_parallel) == (False, False)
    assert current.run_id is current.task is current.pathspec is current.project_name is None
    assert "run_id" not in current
    assert current.get("run_id", "none") == "none"
    assert current.tags == frozenset()


# SPEC 11.3-2
@pytest.mark.parametrize(
    ("name", "provider"),
    [("card", "@card"), ("checkpoint", "@checkpoint"), ("spot_termination_notice", "@kubernetes or @batch")],
)
def test_a_name_that_a_decorator_provides_says_which(name, provider):
    with pytest.raises(AttributeError, match=provider):
        getattr(current, name)
    assert current.get(name) is None


# SPEC 11.3-2
def test_an_unknown_name_is_an_attribute_error_that_lists_the_known():
    with pytest.raises(AttributeError, match=r"no attribute 'run_idd'.*run_id"):
        current.run_idd
    assert not hasattr(current, "run_idd")


# SPEC 11.3-1
def test_values_last_from_enter_to_leave_and_deferred_ones_are_made_when_read():
    made = []
    module.enter({"run_id": "3", "graph": module.Deferred(lambda: made.append(1) or "graph")})
    assert (current.run_id, "run_id" in current, made) == ("3", True, [])
    assert current.graph == "graph" and made == [1]
    module.leave()
    assert current.run_id is None


def test_it_cannot_be_written():
    with pytest.raises(AttributeError, match="read-only"):
        current.run_id = 3
    with pytest.raises(StepwellInternalError):
        module.enter({"nonsense": 1})
