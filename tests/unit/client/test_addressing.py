"""Opening by pathspec, listing, namespaces, pickling."""

import pickle
from contextlib import closing

import pytest
from stored_results import Results, foreach_run

from stepwell.client import (
    DataArtifact,
    Flow,
    Run,
    Step,
    Stepwell,
    Task,
    default_metadata,
    default_namespace,
    get_metadata,
    get_namespace,
    inspect_spin,
    metadata,
    namespace,
)
from stepwell.client.scope import Connection, Scope
from stepwell.exceptions import (
    StepwellInvalidPathspec,
    StepwellNamespaceMismatch,
    StepwellNotFound,
    StepwellTaggingError,
    StoreError,
)
from stepwell.model.states import TaskState
from stepwell.settings.sources import load_settings
from stepwell.wiring.stores import make_stores


@pytest.fixture
def place():
    return Results()


@pytest.fixture
def own_session(monkeypatch, tmp_path):
    """The settings name an empty place."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


OPENERS = {"F": Flow, "F/1": Run, "F/1/work": Step, "F/1/work/2": Task, "F/1/work/2/y": DataArtifact}


# SPEC 10.1-1
@pytest.mark.parametrize("pathspec", OPENERS)
def test_every_kind_opens_by_its_pathspec_and_is_shown_by_it(place, pathspec):
    foreach_run(place)
    kind = OPENERS[pathspec]

    opened = kind(pathspec, at=place.scope)

    assert opened.pathspec == pathspec
    assert opened.path_components == pathspec.split("/")
    assert opened.id == pathspec.split("/")[-1]
    assert str(opened) == f"{kind.__name__}('{pathspec}')"


# SPEC 10.1-1
@pytest.mark.parametrize("kind", OPENERS.values())
@pytest.mark.parametrize("wrong", ["", "F//", "/F", "F/1/work/2/y/z", "F/1/"])
def test_a_pathspec_of_another_form_is_refused_with_the_form_that_is_needed(place, kind, wrong):
    with pytest.raises(StepwellInvalidPathspec, match=kind.form):
        kind(wrong, at=place.scope)


# SPEC 10.1-1
@pytest.mark.parametrize(
    ("kind", "pathspec", "said"),
    [
        (Flow, "Flw", "no flow `Flw`.*`F`"),
        (Run, "G/1", "no flow `G`"),
        (Run, "F/9", "no run `F/9`.*`F/1`"),
        (Step, "F/1/wrk", "no step `wrk`. Did you mean `work`"),
        (Task, "F/9/work/2", "no run `F/9`"),
        (Task, "F/1/wrk/2", "no step `wrk`"),
        (Task, "F/1/work/9", r"no task F/1/work/9.*`2` \[0\]"),
        (DataArtifact, "F/1/work/2/z", "no artifact `z`. .*`y`"),
    ],
)
def test_the_first_part_that_is_absent_is_named_with_what_exists_there(place, kind, pathspec, said):
    foreach_run(place)

    with pytest.raises(StepwellNotFound, match=said):
        kind(pathspec, at=place.scope)


# SPEC 10.1-1
def test_opening_loads_no_value(place):
    run = foreach_run(place)
    run.task("late", 20, {"big": bytes(100_000)})
    blobs = [key for key in place.stores.datastore._storage.list("") if "blob" in key]
    place.stores.datastore._storage.delete(blobs)

    opened = DataArtifact("F/1/late/20/big", at=place.scope)

    assert blobs and opened.size > 100_000


# SPEC 10.1-2
def test_children_come_newest_first_and_by_name(place):
    foreach_run(place)
    place.run(run="2")

    flow = Stepwell(place.scope)["F"]

    assert [run.id for run in flow] == ["2", "1"]
    assert [step.id for step in flow["1"]] == ["end", "join", "work", "start"]
    assert [task.id for task in flow["1"]["work"]] == ["4", "3", "2"]
    assert [artifact.id for artifact in flow["1"]["end"]["6"]] == ["result"]


# SPEC 10.1-2
# SPEC 1.3-2
def test_hidden_children_are_left_out_of_lists_but_found_by_name(place):
    foreach_run(place)
    run = Run("F/1", at=place.scope)

    assert "_parameters" not in [step.id for step in run]
    assert run["_parameters"].task["alpha"].data == 1
    assert run["end"].task["_hidden"].data == run.data._hidden == 7
    assert run["end"].task.artifacts._fields == ("result",)


# SPEC 10.1-2
@pytest.mark.parametrize("pathspec", ["F", "F/1", "F/1/work", "F/1/work/2"])
def test_an_absent_child_is_a_key_error_and_not_in_its_parent(place, pathspec):
    foreach_run(place)
    parent = OPENERS[pathspec](pathspec, at=place.scope)

    assert "nope" not in parent
    with pytest.raises(KeyError, match="nope"):
        parent["nope"]


# SPEC 10.1-2
def test_flows_are_listed_by_name(place):
    place.run("G", "1")
    place.run("F", "2")
    stepwell = Stepwell(place.scope)

    assert [flow.id for flow in stepwell.flows] == [flow.id for flow in stepwell] == ["F", "G"]
    assert "F" in stepwell and "X" not in stepwell
    with pytest.raises(KeyError):
        stepwell["X"]


def test_a_list_of_runs_is_read_only_as_far_as_it_is_taken(place):
    for number in range(1, 101):
        place.run(run=str(number))
    asked = []
    runs = place.stores.metadata.runs
    place.stores.metadata.runs = lambda query: asked.append(query.limit) or runs(query)

    first = next(Flow.known(place.scope, "F").runs())

    assert first.id == "100"
    assert asked == [16]


def test_a_list_of_runs_goes_on_over_the_pages(place):
    for number in range(1, 101):
        place.run(run=str(number))

    assert [run.id for run in Flow("F", at=place.scope)] == [str(number) for number in range(100, 0, -1)]


def test_a_list_of_tasks_goes_on_over_the_pages(place):
    run = place.run()
    for number in range(1, 101):
        run.record("work", number, TaskState.SUCCEEDED)

    assert [task.id for task in Step("F/1/work", at=place.scope)] == [str(at) for at in range(100, 0, -1)]


# SPEC 10.1-3
def test_a_child_has_its_parent_and_the_tags_of_the_run(place):
    foreach_run(place)
    Run("F/1", at=place.scope).add_tag("good")

    artifact = DataArtifact("F/1/work/2/y", at=place.scope)

    parents = [artifact.parent, artifact.parent.parent, artifact.parent.parent.parent]
    assert [parent.pathspec for parent in parents] == ["F/1/work/2", "F/1/work", "F/1"]
    assert parents[-1].parent.parent is None
    assert artifact.user_tags == {"good"}
    assert artifact.system_tags == {"user:ann", "runtime:local"}
    assert artifact.tags == {"good", "user:ann", "runtime:local"}


# SPEC 10.1-3
def test_what_was_resumed_says_from_where(place):
    place.run(run="1")
    place.run(run="2", **{"origin-run-id": "1"})

    assert Run("F/2", at=place.scope).origin_pathspec == "F/1"
    assert Run("F/1", at=place.scope).origin_pathspec is None


# SPEC 10.1-5
def test_lists_show_only_what_has_the_namespace_as_a_tag(place):
    place.run("F", "1", user="ann")
    place.run("F", "2", user="bob", tags=("prod",))
    place.run("G", "3", user="bob")

    assert [run.id for run in Flow("F", at=place.within("user:ann"))] == ["1"]
    assert [run.id for run in Flow("F", at=place.within("prod"))] == ["2"]
    assert [run.id for run in Flow("F", at=place.within(None))] == ["2", "1"]
    assert [flow.id for flow in Stepwell(place.within("user:ann"))] == ["F"]
    assert Flow("F", at=place.within("user:ann")).latest_run.id == "1"


# SPEC 10.1-5
@pytest.mark.parametrize("pathspec", OPENERS)
def test_opening_what_another_namespace_has_is_refused(place, pathspec):
    foreach_run(place)

    with pytest.raises(StepwellNamespaceMismatch, match=r"user:bob.*namespace\(None\)"):
        OPENERS[pathspec](pathspec, at=place.within("user:bob"))


# SPEC 10.1-5
def test_a_run_of_another_namespace_is_no_child_that_is_shown(place):
    place.run("F", "1", user="ann")
    place.run("F", "2", user="bob")
    flow = Flow("F", at=place.within("user:ann"))

    assert ("1" in flow, "2" in flow) == (True, False)
    with pytest.raises(StepwellNamespaceMismatch):
        flow["2"]


# SPEC 10.1-5
def test_the_namespace_can_be_set_and_goes_back_to_the_users_own(own_session):
    assert get_namespace() == "user:tester"
    assert namespace("any") == get_namespace() == "any"
    assert namespace(None) is get_namespace() is None
    assert default_namespace() == get_namespace() == "user:tester"


# SPEC 10.1-5
def test_an_object_knows_whether_the_present_namespace_shows_it(place, own_session):
    place.run(user="ann")
    run, flow = Run("F/1", at=place.scope), Flow("F", at=place.scope)

    shown = []
    for name in ("user:ann", "user:bob", None):
        namespace(name)
        shown.append((run.is_in_namespace(), flow.is_in_namespace()))

    assert shown == [(True, True), (False, False), (True, True)]


# SPEC 10.1-6
def test_the_place_can_be_switched_and_goes_back_to_the_settings(own_session, tmp_path):
    other = tmp_path / "other"
    with closing(Results(make_stores(other, load_settings()))) as place:
        place.run("Elsewhere", user="tester")

    assert metadata(str(other)) == get_metadata() == f"local@{other}"
    assert Flow("Elsewhere").latest_run.id == "1"
    assert metadata(f"local@{other}") == f"local@{other}"
    assert default_metadata() == get_metadata() == f"local@{tmp_path / '.stepwell'}"
    assert list(Stepwell()) == []


# SPEC 10.1-7
def test_results_of_spin_are_read_from_the_directory_given(own_session, tmp_path):
    kept = tmp_path / "project" / ".stepwell_spin"
    with closing(Results(make_stores(kept, load_settings()))) as place:
        place.run("Spun", user="tester")

    assert inspect_spin(str(tmp_path / "project")) == get_metadata() == f"local@{kept}"
    assert Flow("Spun").latest_run.id == "1"
    with pytest.raises(StepwellNotFound, match="`spin --persist` keeps"):
        inspect_spin()
    assert get_metadata() == f"local@{kept}"


# SPEC 10.1-4
@pytest.mark.parametrize("pathspec", OPENERS)
def test_a_pickled_object_works_in_another_place_and_namespace(own_session, tmp_path, pathspec):
    with closing(Results(make_stores(tmp_path / "here", load_settings()))) as place:
        foreach_run(place)
    scope = Scope(Connection(f"local@{tmp_path / 'here'}"), "user:ann")
    data = pickle.dumps(OPENERS[pathspec](pathspec, at=scope))
    namespace("user:bob")

    again = pickle.loads(data)

    assert again.pathspec == pathspec
    assert again == OPENERS[pathspec](pathspec, at=scope)
    assert again.created_at is not None
    if pathspec != "F/1/work/2/y":
        assert len(list(again)) > 0


def test_an_object_of_results_in_memory_says_why_it_cannot_be_pickled(place):
    place.run()

    with pytest.raises(StoreError, match="this process only"):
        pickle.dumps(Run("F/1", at=place.scope))


# SPEC 10.2-3
def test_tags_are_added_removed_and_replaced(place):
    place.run()
    run = Run("F/1", at=place.scope)

    run.add_tag("a")
    run.add_tags(["b", "c"])
    run.remove_tag("a")
    run.replace_tags(["b"], ["d", "e"])
    run.replace_tag("c", "f")
    run.remove_tags(["e"])

    assert run.user_tags == Run("F/1", at=place.scope).user_tags == {"d", "f"}
    with pytest.raises(StepwellTaggingError):
        run.remove_tag("user:ann")
