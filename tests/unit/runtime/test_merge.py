"""What a join takes over, decided from manifests alone."""

import pytest

from stepwell.exceptions import (
    MissingInMergeArtifactsException,
    StepArgumentError,
    UnhandledInMergeArtifactsException,
)
from stepwell.model.artifact import ArtifactEntry
from stepwell.runtime.task.merge import merged


def entries(**digests):
    return {name: ArtifactEntry(name, text.encode(), 1, "pickle", "int") for name, text in digests.items()}


# SPEC 2.5-6
def test_what_is_equal_or_in_one_input_only_is_taken_private_names_too():
    taken = merged([entries(a="1", _p="9"), entries(a="1", b="2")], (), None, None)
    assert taken == entries(a="1", _p="9", b="2")


# SPEC 2.5-6
def test_every_conflict_is_listed_and_those_set_or_excluded_are_none():
    inputs = [entries(a="1", b="1", c="1", d="1"), entries(a="2", b="2", c="2", d="2")]
    with pytest.raises(UnhandledInMergeArtifactsException) as caught:
        merged(inputs, {"d"}, ["b"], None)
    assert caught.value.artifact_names == ["a", "c"]
    assert "`self.a = inputs[0].a`" in str(caught.value)
    assert merged(inputs, {"a", "d"}, ["b", "c"], None) == {}


# SPEC 2.5-7
def test_include_takes_these_names_and_lists_those_that_no_input_has():
    inputs = [entries(a="1", b="1"), entries(a="1", b="2")]
    assert merged(inputs, {"mine"}, None, ["a", "mine"]) == entries(a="1")
    assert merged(inputs, (), None, []) == {}
    with pytest.raises(MissingInMergeArtifactsException) as caught:
        merged(inputs, (), None, ["z", "a", "y"])
    assert caught.value.artifact_names == ["y", "z"]


# SPEC 2.5-7
def test_both_options_or_a_bare_name_are_refused():
    with pytest.raises(StepArgumentError, match="not both"):
        merged([], (), ["a"], ["b"])
    with pytest.raises(StepArgumentError, match=r"write `include=\['ab'\]`"):
        merged([entries(a="1", b="1")], (), None, "ab")
