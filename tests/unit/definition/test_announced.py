import pickle
import re
from pathlib import Path

import pytest

import stepwell
from stepwell.definition.announced import ANNOUNCED, Announced
from stepwell.exceptions import NotInThisVersion

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "announced.md"
EVERY = pytest.mark.parametrize("name", sorted(ANNOUNCED))


def subclass(thing):
    return (
        type(thing)("x", (thing,), {})
        if isinstance(thing, type)
        else __build_class__(lambda: None, "X", thing)
    )


# SPEC 1.1-1
@EVERY
def test_an_announced_name_can_be_imported_and_says_so_when_it_is_called(name):
    thing = getattr(stepwell, name)

    with pytest.raises(
        NotInThisVersion, match=rf"^{re.escape(__file__)}:\d+: `{name}` is not in this version"
    ):
        thing(times=3)


@pytest.mark.parametrize(
    "use",
    [subclass, lambda thing: thing.x, list, lambda thing: thing(lambda: None)],
    ids=["base", "x", "*", "@"],
)
def test_whatever_is_done_with_it_is_refused_by_place(use):
    with pytest.raises(NotInThisVersion, match=rf"^{re.escape(__file__)}:"):
        use(stepwell.Runner)


def test_looking_at_it_is_allowed():
    assert "secrets" in repr(stepwell.secrets)
    assert stepwell.retry == stepwell.retry
    assert not hasattr(stepwell.retry, "__wrapped__")


@EVERY
def test_it_says_what_will_come_and_what_to_do_instead(name):
    with pytest.raises(NotInThisVersion) as caught:
        ANNOUNCED[name]()

    assert re.search(rf"`{name}` is not in this version\. It will [a-z].+\. [A-Z].+\.$", str(caught.value))


def test_the_page_of_what_is_not_here_yet_lists_each_name():
    listed = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(), re.MULTILINE)

    assert listed == sorted(ANNOUNCED, key=str.lower)


def test_a_name_that_is_announced_stands_where_type_checkers_see_it():
    assert all(isinstance(getattr(stepwell, name), Announced) for name in ANNOUNCED)
    assert set(ANNOUNCED) <= set(stepwell.__all__)


def test_an_error_of_it_survives_the_way_between_processes():
    with pytest.raises(NotInThisVersion) as caught:
        stepwell.secrets()

    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
