import pytest

from stepwell.exceptions import StepwellTaggingError
from stepwell.metadata_store.tags import LONGEST_TAG, MOST_TAGS, changed, check


def test_tags_are_sorted_and_each_stands_once():
    assert check(["b", "a", "b"]) == ("a", "b")


def test_the_longest_tag_and_the_most_tags_are_allowed():
    longest = "x" * LONGEST_TAG
    most = [f"t{number:02}" for number in range(MOST_TAGS)]

    assert check([longest]) == (longest,)
    assert check(most) == tuple(most)


@pytest.mark.parametrize("tag", ["", "x" * (LONGEST_TAG + 1)])
def test_a_tag_that_is_empty_or_too_long_is_refused(tag):
    with pytest.raises(StepwellTaggingError, match=rf"1 to {LONGEST_TAG} characters.* has {len(tag)}\."):
        check([tag])


def test_a_tag_that_is_no_unicode_is_refused():
    with pytest.raises(StepwellTaggingError, match="Unicode"):
        check(["a", "\udcff"])


def test_too_many_tags_are_refused_with_their_number():
    with pytest.raises(StepwellTaggingError, match=f"at most {MOST_TAGS}.* make {MOST_TAGS + 1}"):
        check(f"t{number}" for number in range(MOST_TAGS + 1))


def test_what_is_both_removed_and_added_is_there_afterwards():
    assert changed(["a"], [], add=["a"], remove=["a"]) == ("a",)


def test_removing_what_is_not_there_and_adding_what_is_there_changes_nothing():
    assert changed(["a"], ["s"], add=["a", "s"], remove=["b"]) == ("a",)


def test_a_system_tag_cannot_be_removed():
    with pytest.raises(StepwellTaggingError, match="user:ann: system tags"):
        changed(["a"], ["user:ann"], add=[], remove=["a", "user:ann"])


def test_full_tags_can_be_exchanged_in_one_change():
    full = [f"t{number}" for number in range(MOST_TAGS)]

    assert "new" in changed(full, [], add=["new"], remove=["t0"])
